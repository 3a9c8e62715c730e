"""How anything here is measured: one label code, one average precision and area, one bootstrap, one peak, one sample.

`src/domain/metrics.ts` is the same arithmetic in TypeScript, down to the bootstrap's random numbers; the fixture in
`test/fixtures/metrics/` holds both to 1e-6.
"""
