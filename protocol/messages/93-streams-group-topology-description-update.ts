import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string, struct } from '../schema/index.js'

const topologyDescriptionNode = {
  name: string('0+'),
  nodeType: int8('0+'),
  sourceTopics: array('0+', 'string'),
  sinkTopic: string('0+', { nullable: '0+', default: null }),
  stores: array('0+', 'string'),
  successors: array('0+', 'string'),
}

const topologyDescriptionSubtopology = {
  subtopologyId: string('0+'),
  nodes: array('0+', topologyDescriptionNode),
}

const topologyDescriptionGlobalStore = {
  source: struct('0+', topologyDescriptionNode),
  processor: struct('0+', topologyDescriptionNode),
}

const topologyDescription = {
  subtopologies: array('0+', topologyDescriptionSubtopology),
  globalStores: array('0+', topologyDescriptionGlobalStore),
}

/**
 * StreamsGroupTopologyDescriptionUpdate: stores the readable topology of a streams group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the only version; flexible
 */
export const StreamsGroupTopologyDescriptionUpdate = message(
  'StreamsGroupTopologyDescriptionUpdate',
  { key: 93, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    memberId: string('0+'),
    topologyEpoch: int32('0+'),
    topologyDescription: struct('0+', topologyDescription),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
  },
)

export type StreamsGroupTopologyDescriptionUpdateRequest = RequestOf<typeof StreamsGroupTopologyDescriptionUpdate>
export type StreamsGroupTopologyDescriptionUpdateResponse = ResponseOf<typeof StreamsGroupTopologyDescriptionUpdate>
