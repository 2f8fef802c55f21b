/** The language in which messages are described. See ../README.md. */
export * from './fields.js'
export * from './message.js'
