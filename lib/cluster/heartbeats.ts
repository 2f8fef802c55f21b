/**
 * Tells the controller how far this broker has followed the metadata, as soon as it has gone on, and asks it to move leaderships away before
 * this broker stops (BrokerHeartbeat, KIP-631). Whether a broker lives is the coordination engine's business, not this.
 */
import { BrokerHeartbeat, ErrorCode } from '../../protocol/index.js'
import type { Clock } from '../host/clock.js'
import type { Image } from '../metadata/image.js'
import { type Peer, PeerLost } from './peer.js'

export interface HeartbeatsPorts {
  readonly clock: Clock
  image(): Image
  peer(brokerId: number): Peer
}

const RETRY_MS = 20

export class Heartbeats {
  readonly #brokerId: number
  readonly #ports: HeartbeatsPorts
  /** Told to this controller under this epoch. */
  #told = { controllerId: -1, brokerEpoch: -1, offset: -1 }
  #telling = false
  #closed = false

  constructor(options: { readonly brokerId: number }, ports: HeartbeatsPorts) {
    this.#brokerId = options.brokerId
    this.#ports = ports
  }

  /** The image has changed. */
  note(): void {
    if (!this.#telling && !this.#closed) void this.#tell()
  }

  close(): void {
    this.#closed = true
  }

  /** Orchestrator: looks at the newest image before every request. */
  async #tell(): Promise<void> {
    this.#telling = true
    try {
      for (let due = this.#due(); due !== null && !this.#closed; due = this.#due()) {
        try {
          const { errorCode } = await this.#send(due.controllerId, due.brokerEpoch, due.offset, false)
          // The controller may not have our registration yet, or not be one any more.
          if (errorCode === ErrorCode.NONE) this.#told = due
          else await this.#pause()
        } catch (error) {
          if (!(error instanceof PeerLost)) throw error
          await this.#pause()
        }
      }
    } finally {
      this.#telling = false
    }
  }

  #due(): { controllerId: number; brokerEpoch: number; offset: number } | null {
    const { version: offset, controllerId, brokers } = this.#ports.image()
    const brokerEpoch = brokers.get(this.#brokerId)?.epoch ?? -1
    if (brokerEpoch < 0 || controllerId < 0 || controllerId === this.#brokerId) return null
    const told = this.#told
    const isNews = told.controllerId !== controllerId || told.brokerEpoch !== brokerEpoch || told.offset < offset
    return isNews ? { controllerId, brokerEpoch, offset } : null
  }

  /** Asks the controller to move this broker's leaderships. True when nothing is left that could move. @throws PeerLost */
  async leave(controllerId: number): Promise<boolean> {
    const { version, brokers } = this.#ports.image()
    const brokerEpoch = brokers.get(this.#brokerId)?.epoch ?? -1
    const { errorCode, shouldShutDown } = await this.#send(controllerId, brokerEpoch, version, true)
    return errorCode === ErrorCode.NONE && shouldShutDown
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.setTimer(RETRY_MS, resolve))
  }

  #send(controllerId: number, brokerEpoch: number, offset: number, wantShutDown: boolean) {
    return this.#ports.peer(controllerId).request(BrokerHeartbeat, 1, {
      brokerId: this.#brokerId,
      brokerEpoch,
      currentMetadataOffset: offset,
      wantFence: false,
      wantShutDown,
    })
  }
}
