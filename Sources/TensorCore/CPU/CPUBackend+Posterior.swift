import CShims

/// The codebook in the layout of the kernels, and scratch of which each thread owns a part.
private struct PosteriorPlan {
  let arguments: dd2_posterior
  private let tables: Storage
  private let scratch: Storage
  private let scratchDoubles: Int

  init(_ inputs: PosteriorInputs, _ extents: PosteriorExtents, _ backend: CPUBackend) {
    let padded = (extents.width + 7) / 8 * 8
    let (V, D) = (extents.codes, extents.width)
    // A Double takes the room of two Floats.
    tables = backend.allocate(V * (3 * padded + 2))
    let table32 = tables.host + V * (2 * padded + 2)
    let table = UnsafeMutableRawPointer(tables.host).assumingMemoryBound(to: Double.self)
    let squares = table + V * padded
    let codebook = inputs.codebook.host
    backend.pool.forEachRange(V, grain: max(1, CPUBackend.grain / padded)) { range in
      dd2_posterior_tables(
        codebook, table, squares, table32, range.lowerBound, range.upperBound, V, D, padded)
    }
    arguments = dd2_posterior(
      x: inputs.x.host, t: inputs.t.host, log_p: inputs.logProbabilities.host, table: table, squares: squares,
      table32: table32, levels: extents.levels, rows: extents.rows, width: D, padded: padded, codes: V)
    scratchDoubles = (dd2_posterior_scratch(extents.levels, padded) + 7) / 8 * 8
    scratch = backend.allocate(backend.pool.threadCount * scratchDoubles * 2)
  }

  /// Runs `body(arguments, rows, scratch)` for ranges of rows, one per thread.
  func forEachRange(
    _ pool: ThreadPool,
    _ body: (UnsafePointer<dd2_posterior>, Range<Int>, UnsafeMutablePointer<Double>) -> Void
  ) {
    let base = UnsafeMutableRawPointer(scratch.host).assumingMemoryBound(to: Double.self)
    withUnsafePointer(to: arguments) { arguments in
      pool.forEachPart { part in
        let rows = ThreadPool.range(of: part, parts: pool.threadCount, count: arguments.pointee.rows)
        body(arguments, rows, base + part * scratchDoubles)
      }
    }
    // The tables are read through bare pointers until here.
    withExtendedLifetime(self) {}
  }
}

extension CPUBackend {
  public func codebookPosteriorMean(
    _ inputs: PosteriorInputs, mean: Storage, logSum: Storage, _ extents: PosteriorExtents
  ) {
    let (mean, logSum) = (mean.host, logSum.host)
    PosteriorPlan(inputs, extents, self).forEachRange(pool) { arguments, rows, scratch in
      dd2_posterior_rows(arguments, rows.lowerBound, rows.upperBound, mean, logSum, scratch)
    }
  }

  public func codebookPosteriorMeanBackward(
    _ inputs: PosteriorInputs, mean: Storage, logSum: Storage, gradMean: Storage, gradX: Storage?,
    gradLogProbabilities: Storage?, _ extents: PosteriorExtents
  ) {
    let (mean, logSum, gradMean) = (mean.host, logSum.host, gradMean.host)
    let (gradX, gradLogProbabilities) = (gradX?.host, gradLogProbabilities?.host)
    PosteriorPlan(inputs, extents, self).forEachRange(pool) { arguments, rows, scratch in
      dd2_posterior_backward_rows(
        arguments, rows.lowerBound, rows.upperBound, mean, logSum, gradMean, gradX, gradLogProbabilities, scratch)
    }
  }
}
