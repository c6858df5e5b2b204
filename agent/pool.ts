/** Works through a list, at most `size` items at a time. The first failure is thrown; its worker takes no more items. */
export async function inPool<T>(items: readonly T[], size: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values()
  const worker = async () => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(size, items.length) }, worker))
}
