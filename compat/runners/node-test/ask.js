import { connect } from 'node:net'
import { decodeResponseFrame, encodeRequestFrame } from 'odradek/protocol'

/** Sends one request as Kafka's bytes and gives the decoded answer. */
export function ask(address, message, version, request) {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port) })
    let bytes = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('no answer')))
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) return
      resolve(decodeResponseFrame(message, version, bytes.subarray(4)).body)
      socket.destroy()
    })
    socket.write(encodeRequestFrame(message, version, { correlationId: 1, clientId: 'test' }, request))
  })
}
