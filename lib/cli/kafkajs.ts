/** The client library, loaded when a command needs it. */

/** It is CommonJS, of which Node finds only some names as named exports: everything is taken from the default one. */
export async function loadKafkaJs(): Promise<typeof import('kafkajs')> {
  const loaded: unknown = await import('kafkajs')
  return (loaded as { default: typeof import('kafkajs') }).default
}
