import Testing

@testable import TensorCore

@Suite struct MemoryPoolTests {
  @Test func sizeClassesHoldTheRequestAndWasteLittle() {
    #expect(MemoryPool.sizeClass(0) == 256)
    #expect(MemoryPool.sizeClass(256) == 256)
    #expect(MemoryPool.sizeClass(257) == 320)
    #expect(MemoryPool.sizeClass(1024) == 1024)
    #expect(MemoryPool.sizeClass(1025) == 1280)
    for bytes in 257..<20_000 {
      let size = MemoryPool.sizeClass(bytes)
      #expect(size >= bytes && size <= bytes + bytes / 4 + 64)
      #expect(MemoryPool.sizeClass(size) == size)
    }
    #expect(Set((1025...2048).map(MemoryPool.sizeClass)) == [1280, 1536, 1792, 2048])
  }

  @Test func releasedBlocksAreUsedAgain() {
    let pool = MemoryPool()
    let first = pool.take(bytes: 5000)
    let other = pool.take(bytes: 5000)
    #expect(first.pointer != other.pointer)
    let held = pool.bytesFromSystem
    #expect(held == 2 * MemoryPool.sizeClass(5000))
    pool.giveBack(first.pointer, bytes: first.bytes)
    let again = pool.take(bytes: first.bytes - 1)
    #expect(again.pointer == first.pointer)
    #expect(pool.bytesFromSystem == held)
    let larger = pool.take(bytes: 50_000)
    #expect(pool.bytesFromSystem == held + larger.bytes)
    for block in [again, other, larger] { pool.giveBack(block.pointer, bytes: block.bytes) }
  }

  @Test func blocksAreAligned() {
    let pool = MemoryPool()
    for bytes in [1, 300, 5000, 3 << 20] {
      let block = pool.take(bytes: bytes)
      #expect(Int(bitPattern: block.pointer) % 64 == 0)
      pool.giveBack(block.pointer, bytes: block.bytes)
    }
  }
}
