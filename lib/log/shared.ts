import { Chunks, type ChunksOptions } from './chunks.js'
import { IndexCache } from './index-cache.js'
import { ReadBuffers } from './read-buffers.js'
import { WriteTurn } from './write-turn.js'

/** What the logs of one store share: tail memory, read buffers, the indexes kept in memory, and the list of who has something to write. */
export class LogShared {
  readonly turn = new WriteTurn()
  readonly buffers = new ReadBuffers()
  readonly chunks: Chunks
  readonly indexes: IndexCache
  /** Called when sealed segments have become durable: a restart needs not look through them, once that is noted. */
  onSealedSynced: () => void = () => {}

  constructor(options?: ChunksOptions, indexBytesMax?: number) {
    this.indexes = new IndexCache(indexBytesMax)
    this.chunks = new Chunks(options)
  }
}
