import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * DescribeConfigs: shows configs of topics, brokers and groups.
 *
 * Sent by clients, served by: any broker or named broker. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-226)
 *   v2   the same bytes
 *   v3   request: + includeDocumentation; response: + results.configs.configType, results.configs.documentation
 *        (KIP-569)
 *   v4   flexible (KIP-482)
 */
export const DescribeConfigs = message(
  'DescribeConfigs',
  { key: 32, versions: '1-4', flexible: '4+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configurationKeys: array('0+', 'string', { nullable: '0+' }),
    }),
    includeSynonyms: bool('1+'),
    includeDocumentation: bool('3+'),
  },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
        readOnly: bool('0+'),
        configSource: int8('1+', { default: -1, ignorable: true }),
        isSensitive: bool('0+'),
        synonyms: array(
          '1+',
          {
            name: string('1+'),
            value: string('1+', { nullable: '1+' }),
            source: int8('1+'),
          },
          { ignorable: true },
        ),
        configType: int8('3+', { ignorable: true }),
        documentation: string('3+', { nullable: '3+', ignorable: true }),
      }),
    }),
  },
)

export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof DescribeConfigs>
