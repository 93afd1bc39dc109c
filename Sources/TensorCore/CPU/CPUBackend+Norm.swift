import CShims

extension CPUBackend {
  func run(_ kernel: NormKernel, _ x: [Storage], into y: [Storage]) {
    switch kernel {
    case .normalize(let norm):
      normalizeRows(
        x[0], multiplier: norm.hasMultiplier ? x[1] : nil, shift: norm.hasShift ? x[x.count - 1] : nil, into: y[0],
        statistics: y[1], norm)
    case .normalizeBackward(let norm, let wanted):
      var gradients = WantedResults(y, wanted)
      normalizeRowsBackward(
        x[0], gradY: x[1], multiplier: norm.hasMultiplier ? x[3] : nil, statistics: x[2], gradX: gradients.next(),
        gradMultiplier: gradients.next(), gradShift: gradients.next(), norm)
    case .gatedResidual:
      let (B, L, C) = (y[0].type.shape[0], y[0].type.shape[1], y[0].type.shape[2])
      gatedResidual(x[0], x[1], gate: x[2], into: y[0], groups: B, rowsPerGroup: L, width: C)
    case .gatedResidualBackward(let wanted):
      let (B, L, C) = (x[0].type.shape[0], x[0].type.shape[1], x[0].type.shape[2])
      var gradients = WantedResults(y, wanted)
      gatedResidualBackward(
        x[0], gate: x[1], gradZ: x[2], gradY: gradients.next(), gradGate: gradients.next(), groups: B, rowsPerGroup: L,
        width: C)
    }
  }

  func normalizeRows(
    _ x: Storage, multiplier: Storage?, shift: Storage?, into y: Storage, statistics: Storage, _ norm: RowNorm
  ) {
    let (x, y, mean, width) = (x.host, y.host, statistics.host, norm.width)
    let (multiplier, shift) = (multiplier?.host, shift?.host)
    let inverse = mean + norm.groups * norm.rowsPerGroup
    let blocks = RowBlocks(groups: norm.groups, rowsPerGroup: norm.rowsPerGroup)
    overBlocks(blocks, width: width) { block in
      let (group, first, count) = blocks.rows(of: block)
      dd2_norm_rows(
        x + first * width, multiplier.map { $0 + group * width }, norm.offset,
        shift.map { $0 + group * width },
        y + first * width, mean + first, inverse + first, count, width, norm.isCentred ? 1 : 0, norm.epsilon)
    }
  }

  func normalizeRowsBackward(
    _ x: Storage, gradY: Storage, multiplier: Storage?, statistics: Storage, gradX: Storage?,
    gradMultiplier: Storage?, gradShift: Storage?, _ norm: RowNorm
  ) {
    let (x, gradY, mean, width) = (x.host, gradY.host, statistics.host, norm.width)
    let (multiplier, gradX) = (multiplier?.host, gradX?.host)
    let inverse = mean + norm.groups * norm.rowsPerGroup
    let blocks = RowBlocks(groups: norm.groups, rowsPerGroup: norm.rowsPerGroup)
    let multiplierSums = BlockSums(into: gradMultiplier, blocks, width: width, self)
    let shiftSums = BlockSums(into: gradShift, blocks, width: width, self)
    overBlocks(blocks, width: width) { block in
      let (group, first, count) = blocks.rows(of: block)
      dd2_norm_backward_rows(
        x + first * width, gradY + first * width, mean + first, inverse + first,
        multiplier.map { $0 + group * width }, norm.offset, gradX.map { $0 + first * width },
        multiplierSums.start(block), shiftSums.start(block), count, width, norm.isCentred ? 1 : 0)
    }
    multiplierSums.finish()
    shiftSums.finish()
  }

  func gatedResidual(
    _ x: Storage, _ y: Storage, gate: Storage, into z: Storage, groups: Int, rowsPerGroup: Int, width: Int
  ) {
    let (x, y, gate, z) = (x.host, y.host, gate.host, z.host)
    let blocks = RowBlocks(groups: groups, rowsPerGroup: rowsPerGroup)
    overBlocks(blocks, width: width) { block in
      let (group, first, count) = blocks.rows(of: block)
      dd2_gated_rows(
        x + first * width, y + first * width, gate + group * width, z + first * width, count, width)
    }
  }

  func gatedResidualBackward(
    _ y: Storage, gate: Storage, gradZ: Storage, gradY: Storage?, gradGate: Storage?, groups: Int,
    rowsPerGroup: Int, width: Int
  ) {
    let (y, gate, gradZ, gradY) = (y.host, gate.host, gradZ.host, gradY?.host)
    let blocks = RowBlocks(groups: groups, rowsPerGroup: rowsPerGroup)
    let gateSums = BlockSums(into: gradGate, blocks, width: width, self)
    overBlocks(blocks, width: width) { block in
      let (group, first, count) = blocks.rows(of: block)
      dd2_gated_backward_rows(
        y + first * width, gate + group * width, gradZ + first * width, gradY.map { $0 + first * width },
        gateSums.start(block), count, width)
    }
    gateSums.finish()
  }
}
