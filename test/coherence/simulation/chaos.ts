import type { Fleet, Instance } from './fleet';
import type { Network } from './network';
import { LEASE_MS, type Fault, type Profile } from './profiles';
import type { Workload } from './workload';
import type { World } from './world';

/** Brings the faults of a profile over a fleet, until it is told to leave it in peace. */
export class Chaos {
  private over = false;

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly fleet: Fleet,
    private readonly workload: Workload,
    private readonly profile: Profile,
  ) {}

  begin(): void {
    const { random } = this.world;
    if (this.profile.faults.length === 0) return;
    this.world.after(random.between(0, 2 * this.profile.faultEvery), () => {
      if (this.over) return;
      this.inflict(random.pick(this.profile.faults));
      if (random.chance(0.3)) this.network.server.save();
      this.begin();
    });
  }

  /** No fault any more, and everything that was broken works again. */
  end(): void {
    this.over = true;
    this.workload.calm = true;
    const { network, world } = this;
    network.calm = true;
    if (network.serverHost.frozen) world.thaw(network.serverHost);
    if (!network.isUp) network.startServer('whole');
    for (const { host } of this.fleet.instances) {
      network.heal(host);
      if (host.frozen) this.thaw(host);
    }
  }

  private inflict(fault: Fault): void {
    const { network, fleet } = this;
    const { random } = this.world;
    const instance = fleet.any();
    const faults: Record<Fault, () => void> = {
      freeze: () => this.freeze(instance, false),
      suspend: () => this.freeze(instance, true),
      crash: () => fleet.crash(instance),
      stop: () => void fleet.stop(instance),
      cutCommands: () => network.cut(({ host }, subscribed) => host === instance.host && !subscribed, 5),
      cutSubscription: () => network.cut(({ host }, subscribed) => host === instance.host && subscribed, 5),
      halfOpen: () => network.cut(({ host }) => host === instance.host && random.chance(0.6), 2.5 * LEASE_MS),
      partition: () => this.partition(instance, true, true),
      partitionOneWay: () =>
        random.chance(0.5) ? this.partition(instance, true, false) : this.partition(instance, false, true),
      freezeServer: () => this.freezeServer(),
      restartEmpty: () => this.restart('empty'),
      restartSaved: () => this.restart('saved'),
      restartWhole: () => this.restart('whole'),
      evictHead: () => network.server.evict('head', (items) => random.pick(items)),
      evictRecent: () => network.server.evict('recent', (items) => random.pick(items)),
      evictTag: () => network.server.evict('tag', (items) => random.pick(items)),
      evictEntry: () => network.server.evict('entry', (items) => random.pick(items)),
      evictLease: () => network.server.evict('lease', (items) => random.pick(items)),
      stepWall: () => instance.clock.setWall(random.between(-3, 3) * LEASE_MS),
    };
    faults[fault]();
  }

  /** Suspended: the monotonic clock stands still too. */
  private freeze({ host, clock }: Instance, suspended: boolean): void {
    if (host.frozen) return;
    host.frozen = true;
    const ms = this.world.random.between(5, this.profile.longest * LEASE_MS);
    this.world.after(ms, () => {
      if (!host.frozen) return;
      if (suspended) clock.suspendedFor(ms);
      this.thaw(host);
    });
  }

  private thaw(host: Instance['host']): void {
    this.workload.thawedAt.set(host, this.world.now);
    this.world.thaw(host);
  }

  private partition({ host }: Instance, up: boolean, down: boolean): void {
    this.network.partition(host, up, down);
    this.world.after(this.world.random.between(5, this.profile.longest * LEASE_MS), () => this.network.heal(host));
  }

  private freezeServer(): void {
    const { serverHost } = this.network;
    if (serverHost.frozen) return;
    serverHost.frozen = true;
    this.world.after(
      this.world.random.between(5, 2 * LEASE_MS),
      () => serverHost.frozen && this.world.thaw(serverHost),
    );
  }

  private restart(state: 'empty' | 'saved' | 'whole'): void {
    if (!this.network.isUp) return;
    this.network.stopServer();
    this.world.after(this.world.random.between(1, 60), () => !this.network.isUp && this.network.startServer(state));
  }
}
