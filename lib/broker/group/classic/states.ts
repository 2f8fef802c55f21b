/**
 * The life of a classic group (Kafka's ClassicGroupState).
 *
 * ```
 *            first join               all joined / timeout            leader's sync
 *   Empty ----------------> PreparingRebalance ----------> CompletingRebalance ----------> Stable
 *     ^                       |   ^        ^                    |                            |
 *     +---- nobody left ------+   |        +--- join, leave, ---+                            |
 *                                 |             expired sync                                 |
 *                                 +------------------ join, leave, session expired ----------+
 *   any ---- deleted or unloaded ----> Dead
 * ```
 */
export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const VALID_PREVIOUS_STATES: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
}

export function isValidTransition(from: ClassicGroupState, to: ClassicGroupState): boolean {
  return VALID_PREVIOUS_STATES[to].includes(from)
}
