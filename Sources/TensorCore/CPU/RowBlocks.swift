import CShims

/// Rows in groups, each group cut into blocks: the units of parallel work. Sums over the rows of a group are taken
/// per block and then block by block, so they do not depend on the number of threads.
struct RowBlocks {
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
struct BlockSums {
  let blocks: RowBlocks
  let width: Int
  private let result: UnsafeMutablePointer<Float>?
  private let scratch: Storage?

  init(into result: Storage?, _ blocks: RowBlocks, width: Int, _ backend: CPUBackend) {
    self.blocks = blocks
    self.width = width
    self.result = result?.host
    let isDirect = result == nil || blocks.perGroup == 1
    scratch = isDirect ? nil : backend.scratch(blocks.count * width)
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
  /// Runs `body(block)` for all blocks on the pool; `width` is the width of a row.
  func overBlocks(_ blocks: RowBlocks, width: Int, _ body: (Int) -> Void) {
    let elements = max(1, blocks.rowsPerGroup / blocks.perGroup * width)
    pool.forEachRange(blocks.count, grain: max(1, Self.grain / elements)) { range in
      for block in range { body(block) }
    }
  }
}
