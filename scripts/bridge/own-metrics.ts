/** What the bridge adds to `/metrics`: of itself, since a Worker does not know its memory. */
const PATH = /^(?:\/clusters\/[^/]*)?\/metrics(?:\?|$)/;

export function isMetricsPath(url: string): boolean {
  return PATH.test(url);
}

/** In Prometheus' text format, under the name where `etcdctl check datascale` looks for it. */
export function ownMetrics(): string {
  return `# HELP process_resident_memory_bytes Resident memory size of the bridge in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes ${process.memoryUsage.rss()}
`;
}
