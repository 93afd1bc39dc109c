import CShims

extension CPUBackend {
  public func normalizeRows(
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

  public func normalizeRowsBackward(
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

  public func gatedResidual(
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

  public func gatedResidualBackward(
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
