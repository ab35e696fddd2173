import type { Reporter, TestModule } from 'vitest/node'

/**
 * A vitest reporter whose only output is a last line for machines, `12 passed, 0 failed, 1 skipped`, alone on its line.
 * What fails outside a test (a file that does not load, a hook, an unhandled rejection) counts as failed, and so does a test that never ended.
 */
export function closingLine(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const tests = modules.flatMap(({ children }) => [...children.allTests()]).map((test) => test.result().state)
      const passed = tests.filter((state) => state === 'passed').length
      const skipped = tests.filter((state) => state === 'skipped').length
      const failed = tests.length - passed - skipped + modules.flatMap(errorsOutsideTests).length + unhandledErrors.length
      process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
    },
  }
}

function errorsOutsideTests(module: TestModule): unknown[] {
  return [module, ...module.children.allSuites()].flatMap((part) => part.errors())
}
