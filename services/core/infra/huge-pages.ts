/**
 * What to add to the environment of a process that runs a model: glibc then has its large blocks in pages of 2 MB, where Linux hands those out on request, and
 * a run takes a twentieth to a tenth less time, for weights are read from end to end in each. glibc looks at it when a process starts and never again.
 */
export const HUGE_PAGES = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }
