/** Whether the cluster takes this broker for alive. Known before there is anybody to tell. */
export class Standing {
  onChange: ((inCluster: boolean) => void) | null = null
  #inCluster = true

  get inCluster(): boolean {
    return this.#inCluster
  }

  set(inCluster: boolean): void {
    if (inCluster === this.#inCluster) return
    this.#inCluster = inCluster
    this.onChange?.(inCluster)
  }
}
