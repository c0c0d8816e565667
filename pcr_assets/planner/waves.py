"""A refresh: observe, build the stale frontier, ask again, until nothing is stale or nothing more can be built.

Then, once, look again at the sources that tell of what was built (``follows`` in :func:`pcr_assets.assets.declare.observed`), and
build what that made stale. Only then, so that what is good is released before anything is made better; and only once, so that two
assets that answer each other end with the refresh, whatever they say.
"""

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import dagster as dg

from pcr_assets.assets.declare import FOLLOWS
from pcr_assets.planner import execution
from pcr_assets.planner.execution import Event, Failure, OnEvent
from pcr_assets.planner.gates import Verdict, gates_of
from pcr_assets.planner.lock import Hold, only_refresh
from pcr_assets.planner.outcome import Ending, Outcome
from pcr_assets.planner.plan import Plan, Published, Step, ancestors, observed_versions, resolve, selected_assets


def ignore(said: Event | Plan) -> None:
    """Tell nobody."""


def observe(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    selection: str = "*",
    on_event: OnEvent = ignore,
    tags: Mapping[str, str] | None = None,
) -> list[Failure]:
    """Observe the sources and settings that ``selection`` is made from. Returns those that could not be observed.

    ``tags`` are added to the Dagster run.
    """
    execution.bury_dead_observations(instance)
    sources = sources_of(defs, selection)
    return execution.execute(defs, instance, sources, on_event, tags=tags) if sources else []


def sources_of(defs: dg.Definitions, selection: str) -> AbstractSet[dg.AssetKey]:
    """The observed sources that ``selection`` is made from."""
    graph = defs.resolve_asset_graph()
    return (graph.observable_asset_keys - graph.materializable_asset_keys) & ancestors(
        defs, selected_assets(defs, selection)
    )


def run(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    selection: str,
    published: Published,
    *,
    on_event: OnEvent = ignore,
    on_plan: Callable[[Plan], None] = ignore,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Build everything stale in ``selection``, in waves, and nothing else.

    What depends on a failed asset waits; other branches are still built. One refresh of an instance runs at a time.
    ``on_event`` is told of each asset as it starts and ends, ``on_plan`` of what is due, before the first; ``tags`` are added to
    the Dagster runs, the tag ``pcr/refresh`` being the run of the job that the refresh is part of.
    """
    started = time.perf_counter()
    with only_refresh(instance) as hold:
        if not hold:
            return Outcome(Ending.BUSY, len(selected_assets(defs, selection)), time.perf_counter() - started)
        execution.bury_the_dead(instance, (tags or {}).get("pcr/refresh", ""))
        return _Refresh(defs, instance, selection, published, on_event, tags, hold, on_plan).outcome(started)


def rebuild(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    selection: str,
    published: Published,
    *,
    on_event: OnEvent = ignore,
) -> Outcome:
    """Build all of ``selection`` once, stale or not, and nothing else: what follows from it is the next refresh's affair.

    Sources are observed first, as in a refresh: of a setting that nobody has observed yet, the next one would build all again.
    """
    started, assets = time.perf_counter(), set(selected_assets(defs, selection))
    with only_refresh(instance) as hold:
        if not hold:
            return Outcome(Ending.BUSY, len(assets), time.perf_counter() - started)
        execution.bury_the_dead(instance)
        work = _Refresh(defs, instance, selection, published, on_event, None, hold)
        work.failures += observe(defs, instance, selection, on_event)
        if not work.failures:
            work.build(assets)
        refused = tuple(gate for gate in gates_of(defs, instance, assets) if gate.verdict is Verdict.REFUSED)
        return Outcome(
            ending=work.ending(bool(refused)),
            total=len(assets),
            seconds=time.perf_counter() - started,
            built=tuple(work.built),
            failures=tuple(work.failures),
            refused=refused,
        )


@dataclass
class _Refresh:
    """One refresh under way."""

    defs: dg.Definitions
    instance: dg.DagsterInstance
    selection: str
    ask_store: Published
    on_event: OnEvent
    tags: Mapping[str, str] | None
    hold: Hold
    on_plan: Callable[[Plan], None] = ignore
    held: dict[dg.AssetKey, str | None] = field(default_factory=dict)
    built: list[dg.AssetKey] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unsettled: list[Step] = field(default_factory=list)
    aside: set[dg.AssetKey] = field(default_factory=set)
    """Assets that this refresh gave up on; what depends on them waits."""
    taken: dict[dg.AssetKey, AbstractSet[dg.AssetKey]] = field(default_factory=dict)
    """Assets that it built, and the sources that have other data by now: cards that came since, say. It goes on with what it
    built, and they are the next one's affair; else none would end while cards arrive."""
    asked: set[dg.AssetCheckKey] = field(default_factory=set)
    seen: Mapping[dg.AssetKey, str] = field(default_factory=dict)
    """The data versions of the sources, as this refresh observed them last."""

    def outcome(self, started: float) -> Outcome:
        self.look()
        before = {followed: self.published(followed) for followed in self.followed().values()}
        plan, first = self.settle(), self.built
        new = {followed for followed, held in before.items() if self.published(followed) != held}
        if new and not (self.failures or self.unsettled or plan.blocked) and self.look_again(new):
            self.built = []
            self.taken = {
                built: sources for built, sources in self.taken.items() if not sources & self.followed().keys()
            }
            plan = self.settle()
            self.built = [*first, *self.built]
        return Outcome(
            ending=self.ending(bool(plan.blocked or plan.gates)),
            total=plan.total,
            seconds=time.perf_counter() - started,
            built=tuple(self.built),
            failures=tuple(self.failures),
            unsettled=tuple(self.unsettled),
            blocked=plan.blocked,
            refused=tuple(gate for gate in plan.gates if gate.verdict is Verdict.REFUSED),
            unanswered=tuple(gate for gate in plan.gates if gate.verdict is Verdict.UNASKED),
            changed=tuple(sorted({source for sources in self.taken.values() for source in sources})),
        )

    def settle(self) -> Plan:
        """Build, wave by wave, until nothing more can be built; gives the plan of what is left. No asset is built twice."""
        while True:
            plan = resolve(self.defs, self.instance, self.selection, self.published, self.taken.keys())
            if gates := {gate.check for gate in plan.gates} - self.asked:
                self.ask(gates)
                continue
            wave = {asset for asset in plan.frontier - self.aside if not ancestors(self.defs, [asset]) & self.aside}
            if wave and self.source_versions() != self.seen:
                self.look()  # a plan with another profile looked meanwhile: what is fresh by ours would be built
                continue
            if again := [step for step in plan.steps if step.asset in wave & set(self.built)]:
                self.taken |= {step.asset: step.news_of for step in again if step.news_of}
                self.unsettled += (wrong := [step for step in again if not step.news_of])
                self.aside |= {step.asset for step in wrong}
            elif wave:
                self.on_plan(plan)
                self.on_plan = ignore
                self.build(wave)
            else:
                return plan

    def look(self) -> None:
        """Observe the sources; what is made from one that can't be observed waits."""
        failed = observe(self.defs, self.instance, self.selection, self.on_event, self.tags)
        self.failures += failed
        self.aside |= {failure.asset for failure in failed}
        self.seen = self.source_versions()

    def source_versions(self) -> dict[dg.AssetKey, str]:
        """What the sources held when they were observed last, by whomever."""
        return observed_versions(self.defs, self.instance, sources_of(self.defs, self.selection))

    def followed(self) -> dict[dg.AssetKey, dg.AssetKey]:
        """The sources that tell of an asset further down, and that asset."""
        graph = self.defs.resolve_asset_graph()
        names = {source: graph.get(source).metadata.get(FOLLOWS) for source in sources_of(self.defs, self.selection)}
        return {source: dg.AssetKey(name) for source, name in names.items() if name}

    def look_again(self, new: AbstractSet[dg.AssetKey]) -> bool:
        """Observe the sources that tell of what the store holds now. Whether that went well."""
        telling = {source for source, followed in self.followed().items() if followed in new}
        self.failures += (failed := self.execute(telling, self.on_event))
        self.seen = self.source_versions()
        return not failed

    def ending(self, shut: bool) -> Ending:
        if self.failures:
            return Ending.FAILED
        if self.unsettled:
            return Ending.UNSETTLED
        return Ending.BLOCKED if shut else Ending.SETTLED

    def published(self, asset: dg.AssetKey) -> str | None:
        """Ask the store once a refresh and asset, and again when the asset was built."""
        if asset not in self.held:
            self.held[asset] = self.ask_store(asset)
        return self.held[asset]

    def ask(self, gates: set[dg.AssetCheckKey]) -> None:
        """Ask checks about assets that stand: after a kill, or because the check may have changed its mind."""
        self.asked |= gates
        assets = {gate.asset_key for gate in gates}
        self.failures += self.execute(assets, self.on_event, checks=gates)

    def build(self, wave: set[dg.AssetKey]) -> None:
        """Materialize one wave in one run, with the checks of its assets."""
        done: list[dg.AssetKey] = []

        def note(event: Event) -> None:
            if event.kind == "built":
                done.append(event.asset)
            self.on_event(event)

        self.failures += self.execute(wave, note)
        self.built += done
        self.aside |= wave - set(done)
        self.asked |= {check for check in self.defs.resolve_asset_graph().asset_check_keys if check.asset_key in wave}
        for asset in wave:
            self.held.pop(asset, None)

    def execute(
        self, assets: set[dg.AssetKey], on_event: OnEvent, checks: set[dg.AssetCheckKey] | None = None
    ) -> list[Failure]:
        self.hold.keep()
        return execution.execute(self.defs, self.instance, assets, on_event, checks=checks, tags=self.tags)
