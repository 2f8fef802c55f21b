/**
 * Encoded Metadata answers, keyed by everything that they depend on. An answer is a function of the image, the version, the
 * listener and the request's own bytes; all of a cache is dropped when the image changes.
 */
import type { Image } from '../metadata/image.js'
import { EncodedBody } from './context.js'

/** Requests above this are rare and cost more to compare than they save. */
const MAX_REQUEST_BYTES = 16 * 1024
/** Clients that ask for ever different lists must not fill the memory. */
const MAX_ENTRIES = 256
const MAX_TOTAL_BYTES = 16 << 20

export class MetadataCache {
  #image: Image | null = null
  #totalBytes = 0
  readonly #entries = new Map<string, EncodedBody>()

  get(image: Image, key: string): EncodedBody | null {
    if (image !== this.#image) return null
    return this.#entries.get(key) ?? null
  }

  put(image: Image, key: string, bytes: Buffer): EncodedBody {
    const body = new EncodedBody(bytes)
    if (
      image !== this.#image ||
      this.#entries.size >= MAX_ENTRIES ||
      this.#totalBytes + bytes.length > MAX_TOTAL_BYTES
    ) {
      this.#image = image
      this.#entries.clear()
      this.#totalBytes = 0
    }
    if (bytes.length <= MAX_TOTAL_BYTES) {
      this.#entries.set(key, body)
      this.#totalBytes += bytes.length
    }
    return body
  }
}

/** Null when the request is too long to be worth remembering. `address` is what a wildcard listener would advertise. */
export function metadataCacheKey(version: number, listener: string, address: string, body: Buffer): string | null {
  if (body.length > MAX_REQUEST_BYTES) return null
  return `${version}/${listener}/${address}/${body.toString('latin1')}`
}
