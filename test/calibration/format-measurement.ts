import type { Proportion } from '../../services/core/domain/calibrate.ts'
import type { Measurement } from './measure-rule.ts'

/** `0.957 [0.790, 0.992] (22 of 23)`, with the 95 % interval. */
export function formatProportion({ share, low, high, count, of }: Proportion): string {
  return `${share.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] (${count} of ${of})`
}

/** The lines that stand beside a threshold in a policy's file. */
export function figuresOf({ performance, auroc }: Measurement): string[] {
  const { recall, precision, falsePositiveRate } = performance
  return [
    `recall          ${formatProportion(recall)}`,
    `precision       ${formatProportion(precision)}`,
    `false positives ${formatProportion(falsePositiveRate)}`,
    `AUROC           ${auroc.toFixed(3)}`,
  ]
}
