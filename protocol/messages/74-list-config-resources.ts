import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * ListConfigResources: lists resources that have configs.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the first version; flexible (KIP-714)
 *   v1   request: + resourceTypes; response: + configResources.resourceType (KIP-1142)
 */
export const ListConfigResources = message(
  'ListConfigResources',
  { key: 74, versions: '0-1', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    resourceTypes: array('1+', 'int8'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: array('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
)

export type ListConfigResourcesRequest = RequestOf<typeof ListConfigResources>
export type ListConfigResourcesResponse = ResponseOf<typeof ListConfigResources>
