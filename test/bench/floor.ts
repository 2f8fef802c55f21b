/** How the floor server is taught what to answer. */
import { RawClient } from '../support/raw-client.js'
import type { BenchServer } from './bench-case.js'

/** An API key that no API has. */
export const TEACH = 32_000

/** Has the floor repeat, for the API of this request, what `teacher` answers to it. Gives that answer, without its size. */
export async function teach(floor: BenchServer, teacher: BenchServer, request: Buffer): Promise<Buffer> {
  const asked = await RawClient.connect(teacher.address)
  asked.bytes(request)
  const answer = await asked.frame()
  asked.close()
  const lesson = Buffer.concat([Buffer.alloc(14), answer.subarray(4)])
  lesson.writeInt32BE(lesson.length - 4, 0)
  lesson.writeInt16BE(TEACH, 4)
  lesson.writeInt16BE(request.readInt16BE(4), 12)
  const pupil = await RawClient.connect(floor.address)
  pupil.bytes(lesson)
  await pupil.frame()
  pupil.close()
  return answer
}
