/** Mocha's root hooks for every run: a test that blocks the event loop ends the run with its name, instead of holding it for ever. */
import { watchLoop } from './loop-watchdog.js'

const STANDSTILL_MS = 60_000

let doing: ((name: string) => void) | undefined

export const mochaHooks = {
  beforeAll(): void {
    doing ??= watchLoop(STANDSTILL_MS)
  },
  beforeEach(this: Mocha.Context): void {
    doing?.(this.currentTest?.fullTitle() ?? '')
  },
  afterEach(this: Mocha.Context): void {
    doing?.(`after ${this.currentTest?.fullTitle() ?? ''}`)
  },
}
