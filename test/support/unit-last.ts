import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Short files come last, so that both workers end at about the same time; and together, for a worker keeps its process from one unit test to the next only. */
export class UnitLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [...sorted.filter((file) => !isUnit(file)), ...sorted.filter(isUnit)]
  }
}

const isUnit = ({ project }: TestSpecification) => project.name === 'unit'
