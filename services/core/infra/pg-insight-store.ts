import type { Database } from './database.ts'
import type { InsightStore } from './insight-store.ts'
import { countOverview } from './pg-overview.ts'
import { policyVersions, storedScores, storedVerdicts, withImage } from './pg-policy-insights.ts'
import { similarUploads } from './pg-similar-uploads.ts'
import { uploaderHistory } from './pg-uploader-history.ts'

/** `database` is for reading only, with time limits of its own. */
export function createPgInsightStore(database: Database): InsightStore {
  return {
    countOverview: (tenant, span, active) => countOverview(database, tenant, span, active),
    similar: (tenant, id, limit) => similarUploads(database, tenant, id, limit),
    history: (tenant, upload, limit) => uploaderHistory(database, tenant, upload, limit),
    scores: (decisions) => storedScores(database, decisions),
    verdicts: (decisions, rule) => storedVerdicts(database, decisions, rule),
    withImage: (tenant, ids) => withImage(database, tenant, ids),
    policyVersions: (tenant, policy) => policyVersions(database, tenant, policy),
  }
}
