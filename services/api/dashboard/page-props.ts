/** What a page is given: the named parts of its path and the search parameters. */
export type PageProps = { params: Record<string, string>; query: Record<string, string> }
