/** Faults planted on purpose, by wrappers and patched methods: a simulator that does not find them proves nothing. */
import { expect } from 'chai'
import { PartitionLog } from '../../lib/log/partition-log.js'
import { ProducerStates } from '../../lib/log/producer-state.js'
import { type RunOptions, runSeed } from './run.js'

/** The sentence of the first seed that fails. */
async function firstFailure(seeds: number, options: Omit<RunOptions, 'seed'> = {}): Promise<string> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { failure } = await runSeed({ seed, ...options })
    if (failure !== null) return failure.sentence
  }
  return `nothing was found in ${seeds} seeds`
}

/** Replaces a method while `work` runs. */
async function patched<T extends object>(
  prototype: T,
  name: string,
  patch: (original: (...args: never[]) => unknown) => (this: never, ...args: never[]) => unknown,
  work: () => Promise<void>,
): Promise<void> {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!
  const original = (descriptor.value ?? descriptor.get) as (...args: never[]) => unknown
  const replaced = patch(original)
  const next =
    descriptor.get === undefined
      ? { ...descriptor, value: replaced }
      : { ...descriptor, get: replaced as () => unknown }
  Object.defineProperty(prototype, name, next)
  try {
    await work()
  } finally {
    Object.defineProperty(prototype, name, descriptor)
  }
}

describe('the simulator finds planted faults', () => {
  it('duplicates that are taken for new batches', async () => {
    await patched(
      ProducerStates.prototype,
      'check',
      () => () => 0,
      async () => {
        expect(await firstFailure(40)).to.match(/is at offset \d+ and at \d+/)
      },
    )
  })

  it('records below a deleted start that are shown again', async () => {
    await patched(
      PartitionLog.prototype,
      'deleteRecordsTo',
      () => () => 0,
      async () => {
        expect(await firstFailure(40)).to.match(/was deleted|were deleted|shown again/)
      },
    )
  })

  it('a read beyond the high watermark', async () => {
    const shifted = (original: (...args: never[]) => unknown) =>
      function (this: never, ...args: never[]): unknown {
        const [offset, options] = args as unknown as [number, { upperBound: number }]
        return original.call(this, offset as never, { ...options, upperBound: options.upperBound - 1 } as never)
      }
    await patched(PartitionLog.prototype, 'read', shifted as never, async () => {
      expect(await firstFailure(40)).to.match(/gives nothing at/)
    })
  })
})
