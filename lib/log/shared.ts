import { Chunks, type ChunksOptions } from './chunks.js'
import { ReadBuffers } from './read-buffers.js'
import { WriteTurn } from './write-turn.js'

/** What the logs of one store share: tail memory, read buffers, and the list of who has something to write. */
export class LogShared {
  readonly turn = new WriteTurn()
  readonly buffers = new ReadBuffers()
  readonly chunks: Chunks

  constructor(options?: ChunksOptions) {
    this.chunks = new Chunks(options)
  }
}
