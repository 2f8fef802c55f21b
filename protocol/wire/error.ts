/**
 * What every reader of this folder throws when bytes break the protocol: truncated, overlong, out of bounds, absurd.
 * `code` is stable and may be compared; `path` names the place in the message (`topicData[3].records`), empty when unknown.
 */
export class ProtocolError extends Error {
  readonly code: string
  path: string

  constructor(code: string, message: string, path = '') {
    super(path === '' ? message : `${path}: ${message}`)
    this.name = 'ProtocolError'
    this.code = code
    this.path = path
  }
}
