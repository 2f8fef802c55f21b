/** Who takes part in a run, and what is checked of each at rest. */
import { Admin } from './admin.js'
import type { Checker } from './checker.js'
import type { Ground } from './ground.js'
import { fetchOffset, GroupClient, GroupOffset } from './groups.js'
import { IdempotentProducer, plainProducer } from './producers.js'
import type { Profile } from './profile.js'
import { COMMITTED, Reader, UNCOMMITTED } from './readers.js'
import { TransactionalId, TransactionalProducer } from './transactional.js'
import type { Chance } from './world.js'

export class Cast {
  readonly offsets: GroupOffset[] = []
  readonly #admin: Admin
  readonly #parts: (() => Promise<void>)[] = []

  constructor(
    readonly ground: Ground,
    profile: Profile,
    chance: Chance,
  ) {
    const plain = ground.topics.get('plain')!
    const exact = ground.topics.get('exact')!
    const all = [...ground.histories()]
    const changing = [...ground.topics.get('fading')!, ...(ground.topics.get('keys') ?? [])]
    this.#admin = new Admin('admin', plain, ground)
    this.#parts.push(
      () => this.#admin.run(),
      () => plainProducer('plain-1', plain, ground),
      () => plainProducer('plain-2', [...plain, ...changing, ...changing], ground),
      () => new IdempotentProducer('exact-1', exact, ground).run(),
      () => new IdempotentProducer('exact-2', exact, ground).run(),
      () => new Reader('reader', UNCOMMITTED, all, ground).run(),
      () => new Reader('committed', COMMITTED, all, ground).run(),
    )
    const lone = this.#place('lone', 0)
    const team = this.#place('team', 1)
    this.#parts.push(() => new GroupClient('lone', lone, false, ground).run())
    for (const name of ['team-1', 'team-2']) this.#parts.push(() => new GroupClient(name, team, true, ground).run())
    if (profile.transactions) this.#transactional(profile, chance)
  }

  /** One with an id of its own, and two that fence each other. */
  #transactional(profile: Profile, chance: Chance): void {
    const { ground } = this
    const histories = [...ground.topics.get('atomic')!, ...(ground.topics.get('keys') ?? [])]
    const version = (): 1 | 2 => (chance.happens(0.5) ? 2 : 1)
    // Time limits go by the clock on the wall.
    const shaky = profile.faults.includes('clock')
    const own = new TransactionalId('own', 60_000, shaky, version())
    const shared = new TransactionalId('shared', chance.pick([500, 5000]), true, version())
    const eos = this.#place('eos', 0)
    this.#parts.push(
      () => new TransactionalProducer('atomic-1', own, histories, eos, ground).run(),
      () => new TransactionalProducer('atomic-2', shared, histories, null, ground).run(),
      () => new TransactionalProducer('atomic-3', shared, histories, null, ground).run(),
    )
  }

  /** Each part runs until the ground says that it ends. */
  enter(): Promise<void>[] {
    return this.#parts.map((part) => this.ground.world.spawn(part))
  }

  /** Everything that is known, against what a reader without faults finds. Nobody else may be at work. */
  async check(checker: Checker, what: string, final: boolean): Promise<void> {
    await checker.everything(what, final)
    await this.#admin.verify(checker.rpc, what)
    for (const place of this.offsets) {
      const offset = await checker.patiently(() => fetchOffset(checker.rpc, place, final))
      place.saw(offset, place.acked, what)
    }
  }

  /** Commits may have been lost: any older one may be what is left. */
  forgetCommits(): void {
    for (const place of this.offsets) place.acked = -1
  }

  #place(group: string, partition: number): GroupOffset {
    const place = new GroupOffset(group, 'plain', partition)
    this.offsets.push(place)
    return place
  }
}
