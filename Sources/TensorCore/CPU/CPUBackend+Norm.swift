import CShims

/// Rows in groups, each group cut into blocks: the units of parallel work. Sums over the rows of a group are taken
/// per block and then block by block, so they do not depend on the number of threads.
private struct RowBlocks {
  let groups: Int
  let rowsPerGroup: Int
  let perGroup: Int

  /// About 64 units of work, of at least 8 rows.
  init(groups: Int, rowsPerGroup: Int) {
    self.groups = groups
    self.rowsPerGroup = rowsPerGroup
    perGroup = max(1, min((64 + groups - 1) / max(groups, 1), rowsPerGroup / 8))
  }

  var count: Int { groups * perGroup }

  /// Group, first row and row count of a block.
  func rows(of block: Int) -> (group: Int, first: Int, count: Int) {
    let (group, part) = block.quotientAndRemainder(dividingBy: perGroup)
    let range = ThreadPool.range(of: part, parts: perGroup, count: rowsPerGroup)
    return (group, group * rowsPerGroup + range.lowerBound, range.count)
  }
}

/// A sum over rows that is built from one partial sum per block, each block owning `width` elements.
private struct BlockSums {
  let blocks: RowBlocks
  let width: Int
  private let result: UnsafeMutablePointer<Float>?
  private let scratch: Storage?

  init(into result: Storage?, _ blocks: RowBlocks, width: Int, _ backend: CPUBackend) {
    self.blocks = blocks
    self.width = width
    self.result = result?.host
    let isDirect = result == nil || blocks.perGroup == 1
    scratch = isDirect ? nil : backend.allocate(blocks.count * width)
  }

  /// Where a block adds up, zeroed; nil where the sum is not wanted.
  func start(_ block: Int) -> UnsafeMutablePointer<Float>? {
    guard let base = scratch?.host ?? result else { return nil }
    (base + block * width).update(repeating: 0, count: width)
    return base + block * width
  }

  /// Adds the blocks of each group in order.
  func finish() {
    guard let result, let scratch = scratch?.host else { return }
    for group in 0..<blocks.groups {
      let sum = result + group * width
      sum.update(from: scratch + group * blocks.perGroup * width, count: width)
      for part in 1..<blocks.perGroup {
        dd2_add_row(scratch + (group * blocks.perGroup + part) * width, sum, width)
      }
    }
  }
}

extension CPUBackend {
  private func overBlocks(_ blocks: RowBlocks, width: Int, _ body: (Int) -> Void) {
    let elements = max(1, blocks.rowsPerGroup / blocks.perGroup * width)
    pool.forEachRange(blocks.count, grain: max(1, Self.grain / elements)) { range in
      for block in range { body(block) }
    }
  }

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
        x + first * width, multiplier.map { $0 + group * width }, norm.offset, shift.map { $0 + group * width },
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
