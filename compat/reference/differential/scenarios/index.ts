/** Every file adds its scenarios when it is loaded; the order here is the order in which they are played. */
import './connections.js'
import './api-versions.js'
import './metadata.js'
import './topics.js'
import './produce.js'
import './produce-batches.js'
import './idempotence.js'
