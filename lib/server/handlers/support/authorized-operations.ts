/**
 * The bit fields in which Metadata, DescribeGroups and DescribeCluster tell a client what it may do (KIP-430):
 * bit n stands for the ACL operation with code n.
 */
const READ = 1 << 3
const WRITE = 1 << 4
const CREATE = 1 << 5
const DELETE = 1 << 6
const ALTER = 1 << 7
const DESCRIBE = 1 << 8
const CLUSTER_ACTION = 1 << 9
const DESCRIBE_CONFIGS = 1 << 10
const ALTER_CONFIGS = 1 << 11
const IDEMPOTENT_WRITE = 1 << 12

/** The client did not ask. */
export const OPERATIONS_NOT_ASKED = -2147483648

/** Every operation that makes sense on the resource: what everybody may do while there is no authorizer. */
export const topicOperations = READ | WRITE | CREATE | DELETE | ALTER | DESCRIBE | DESCRIBE_CONFIGS | ALTER_CONFIGS
export const groupOperations = READ | DESCRIBE | DELETE | DESCRIBE_CONFIGS | ALTER_CONFIGS
export const clusterOperations =
  CREATE | ALTER | DESCRIBE | CLUSTER_ACTION | DESCRIBE_CONFIGS | ALTER_CONFIGS | IDEMPOTENT_WRITE
