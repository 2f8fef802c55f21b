/**
 * Runs a transcript: each command of a `.txt` file, then every record it wrote, every marker it sent and every reply it set free, as text.
 *
 * Producers (`p1`, `p2`) use the identity that they last heard; `epoch=` and `id=` replace it. `tx=` names the transactional id (default `x`).
 */
import type { Answer } from '../../../lib/broker/group/answer.js'
import { transactionRecordCodec } from '../../../lib/broker/transaction/codec.js'
import type { ProducerIdAndEpoch, ProducerIdReply } from '../../../lib/broker/transaction/commands.js'
import type { TransactionRecord } from '../../../lib/broker/transaction/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { nameOf } from '../group/conversation.js'
import { makeRig, partitionsOf, type Rig, textOf } from './rig.js'

const NOBODY: ProducerIdAndEpoch = { producerId: -1, producerEpoch: -1 }

export class Conversation {
  rig: Rig = makeRig()
  readonly #producers = new Map<string, ProducerIdAndEpoch>()
  #lines: string[] = []
  #recordsSeen = 0
  #markersSeen = 0

  /** What one command leads to, line by line. */
  async run(command: string): Promise<string[]> {
    const [verb = '', ...words] = command.split(/\s+/)
    const options = new Map<string, string>()
    for (const word of words) if (word.includes('=')) options.set(...splitOnce(word))
    this.#lines = []
    this.#execute(
      verb,
      words.filter((word) => !word.includes('=')),
      options,
    )
    // Answers that did not come at once come as settled promises.
    for (let i = 0; i < 10; i++) await Promise.resolve()
    return [...this.#newRecords(), ...this.#newMarkers(), ...this.#lines]
  }

  #execute(verb: string, [name = 'p1', ...rest]: string[], options: Map<string, string>): void {
    const { coordinator } = this.rig
    const known = this.#producers.get(name) ?? NOBODY
    const producerId = Number(options.get('id') ?? known.producerId)
    const producerEpoch = Number(options.get('epoch') ?? known.producerEpoch)
    const transactionalId = options.get('tx') ?? 'x'
    const who = { transactionalId, producerId, producerEpoch }
    const transactionVersion = Number(options.get('v') ?? 2)
    switch (verb) {
      case 'init': {
        const expected = options.has('epoch') || options.has('bump') ? { producerId, producerEpoch } : null
        const timeoutMs = Number(options.get('timeout') ?? 60_000)
        const reply = coordinator.initProducerId({ transactionalId, timeoutMs, expected })
        this.#hearIdentity(`${name} init`, reply, name)
        return
      }
      case 'add': {
        const partitions = partitionsOf(rest.join(','))
        const reply = coordinator.addPartitions({ ...who, partitions, transactionVersion })
        this.#hear(`${name} add`, reply, ({ errorCode }) => nameOf(errorCode))
        return
      }
      case 'verify': {
        const reply = coordinator.verifyPartitions({ ...who, partitions: partitionsOf(rest.join(',')) })
        this.#hear(`${name} verify`, reply, ({ errorCodes }) => errorCodes.map(nameOf).join(' '))
        return
      }
      case 'commit':
      case 'abort': {
        const reply = coordinator.endTransaction({ ...who, commit: verb === 'commit', transactionVersion })
        this.#hearIdentity(`${name} ${verb}`, reply, transactionVersion >= 2 ? name : null)
        return
      }
      case 'describe':
        this.#hear('describe', coordinator.describeTransaction(transactionalId), (one) =>
          `${nameOf(one.errorCode)} ${one.state} ${one.producerId}/${one.producerEpoch} [${textOf(one.partitions)}]`.trim(),
        )
        return
      default:
        this.#environment(verb, name, options)
    }
  }

  #environment(verb: string, word: string, options: Map<string, string>): void {
    const { clock, log, markers, coordinator, feature } = this.rig
    switch (verb) {
      case 'config':
        this.rig = makeRig(Object.fromEntries([...options].map(([key, value]) => [key, Number(value)])))
        return
      case 'feature':
        feature.level = Number(word)
        return
      case 'advance':
        clock.advance(Number(word))
        return
      case 'hold':
        if (word === 'markers') markers.held = true
        else log.held = true
        return
      case 'release':
        if (word === 'markers') markers.release()
        else {
          log.held = false
          log.commit()
        }
        return
      case 'answer':
        markers.answer(Number(word))
        return
      case 'fail':
        log.failNext.push(ErrorCode[word as keyof typeof ErrorCode])
        return
      case 'outcome':
        for (const [partition, code] of options)
          markers.outcomes.set(partition, ErrorCode[code as keyof typeof ErrorCode])
        return
      case 'reload':
        coordinator.unload(0)
        coordinator.load(0, log)
        return
      default:
        throw new Error(`A transcript has no command ${verb}.`)
    }
  }

  #hearIdentity(label: string, answer: Answer<ProducerIdReply>, name: string | null): void {
    this.#hear(label, answer, ({ errorCode, producerId, producerEpoch }) => {
      if (errorCode !== ErrorCode.NONE) return nameOf(errorCode)
      if (name !== null) this.#producers.set(name, { producerId, producerEpoch })
      return `NONE ${producerId}/${producerEpoch}`
    })
  }

  #hear<T>(label: string, answer: Answer<T>, text: (answer: T) => string): void {
    const say = (value: T): void => void this.#lines.push(`-> ${label}: ${text(value)}`)
    if (answer instanceof Promise) void answer.then(say)
    else say(answer)
  }

  #newRecords(): string[] {
    const { records } = this.rig.log
    const lines: string[] = []
    for (; this.#recordsSeen < records.length; this.#recordsSeen++) {
      const { key, value } = records[this.#recordsSeen]!
      lines.push(recordText(transactionRecordCodec.decode(key!, value)!))
    }
    return lines
  }

  #newMarkers(): string[] {
    const { sent } = this.rig.markers
    const lines = sent.slice(this.#markersSeen).map(({ marker, partitions }) => {
      const { producerId, producerEpoch, coordinatorEpoch, commit } = marker
      const what = commit ? 'commit' : 'abort'
      return `marker ${what} ${producerId}/${producerEpoch} coordinator=${coordinatorEpoch} [${textOf(partitions)}]`
    })
    this.#markersSeen = sent.length
    return lines
  }
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

function recordText({ transactionalId, value, version }: TransactionRecord): string {
  if (value === null) return `record ${transactionalId} tombstone`
  const { state, producerId, producerEpoch, previousProducerId, nextProducerId, partitions, startTimestamp } = value
  const ids =
    (previousProducerId !== producerId && version > 0 ? ` previous=${previousProducerId}` : '') +
    (nextProducerId === -1 ? '' : ` next=${nextProducerId}`)
  const since = startTimestamp === -1 ? '' : ` since=${startTimestamp}`
  const client = version === 0 ? '' : ` client=${value.clientTransactionVersion}`
  return `record ${transactionalId} v${version} ${state} ${producerId}/${producerEpoch}${ids}${since}${client} [${textOf(partitions)}]`
}
