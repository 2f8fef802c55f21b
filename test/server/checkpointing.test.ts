import { expect } from 'chai'
import { silentLogger } from '../../lib/host/logger.js'
import { TimerWheel } from '../../lib/host/timer-wheel.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import type { LogStore } from '../../lib/log/log-store.js'
import type { BrokerConfig } from '../../lib/metadata/broker-config.js'
import { keepCheckpoints } from '../../lib/server/checkpointing.js'

describe('server/checkpointing', () => {
  it('notes the recovery points soon after segments were sealed and synced, else once a minute', async () => {
    const clock = new VirtualClock()
    let noted = 0
    let sealedSynced = (): void => {}
    const other = async (): Promise<void> => {}
    const logs = {
      isDurable: true,
      checkpointRecoveryPoints: async () => void noted++,
      checkpointLogStarts: other,
      checkpointHighWatermarks: other,
      onSealedSynced: (call: () => void) => {
        sealedSynced = call
      },
    } as unknown as LogStore
    const config = { number: () => 60_000 } as unknown as BrokerConfig
    const onError = (name: string, error: unknown): never => {
      throw new Error(name, { cause: error })
    }
    keepCheckpoints({ timers: new TimerWheel({ clock, onError }), logger: silentLogger, logs, config })
    const after = async (ms: number): Promise<number> => {
      clock.advance(ms)
      await new Promise((resolve) => setImmediate(resolve))
      return noted
    }
    expect(await after(10_000)).to.equal(0)
    for (let i = 0; i < 100; i++) sealedSynced()
    expect(await after(500), 'gathered').to.equal(0)
    expect(await after(600)).to.equal(1)
    expect(await after(10_000), 'nothing new').to.equal(1)
    sealedSynced()
    expect(await after(1100), 'again').to.equal(2)
    expect(await after(60_000), 'by time').to.equal(3)
  })
})
