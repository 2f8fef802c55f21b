/** Randomness as a port: secure in production, seeded in tests and the simulator. */
export interface Random {
  /** A whole number in [0, bound). */
  integer(bound: number): number
  /** `length` random bytes. */
  bytes(length: number): Buffer
  /** A random uuid (version 4) in Kafka's text form: base64url of the 16 bytes, never starting with `-`, never a reserved id. */
  topicId(): string
  /** A random uuid in RFC 4122 text form, as used in member ids. */
  uuid(): string
}
