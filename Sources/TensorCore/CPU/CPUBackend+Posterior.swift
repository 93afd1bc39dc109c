import CShims

/// Extents of a codebook posterior: `levels` noised versions of each of `rows` tokens.
private struct PosteriorExtents {
  let levels: Int
  let rows: Int
  let codes: Int
  let width: Int
}

/// What a codebook posterior is computed from: the kernel's first four operands.
private struct PosteriorInputs {
  let x, t, logProbabilities, codebook: Storage

  init(_ operands: [Storage]) {
    (x, t, logProbabilities, codebook) = (operands[0], operands[1], operands[2], operands[3])
  }

  var extents: PosteriorExtents {
    let rows = logProbabilities.type.shape.rows
    return PosteriorExtents(
      levels: rows == 0 ? 0 : t.count / rows, rows: rows, codes: codebook.type.shape[0], width: codebook.type.shape[1])
  }
}

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
    tables = backend.scratch(V * (3 * padded + 2))
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
    scratch = backend.scratch(backend.pool.threadCount * scratchDoubles * 2)
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
  func run(_ kernel: PosteriorKernel, _ x: [Storage], into y: [Storage]) {
    let inputs = PosteriorInputs(x)
    switch kernel {
    case .mean: codebookPosteriorMean(inputs, mean: y[0], logSum: y[1], inputs.extents)
    case .meanBackward(let wanted):
      var gradients = WantedResults(y, wanted)
      codebookPosteriorMeanBackward(
        inputs, mean: x[4], logSum: x[5], gradMean: x[6], gradX: gradients.next(),
        gradLogProbabilities: gradients.next(), inputs.extents)
    }
  }

  private func codebookPosteriorMean(
    _ inputs: PosteriorInputs, mean: Storage, logSum: Storage, _ extents: PosteriorExtents
  ) {
    let (mean, logSum) = (mean.host, logSum.host)
    PosteriorPlan(inputs, extents, self).forEachRange(pool) { arguments, rows, scratch in
      dd2_posterior_rows(arguments, rows.lowerBound, rows.upperBound, mean, logSum, scratch)
    }
  }

  private func codebookPosteriorMeanBackward(
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
