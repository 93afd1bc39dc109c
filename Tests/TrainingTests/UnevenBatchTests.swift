import TensorCore
import Testing
import Training

@Suite("Batches that cannot be shared") struct UnevenBatchTests {
  private func line(_ batch: Int, _ count: Int, here: Range<Int>? = nil, isFixed: Bool = false) -> String? {
    do {
      try UnevenBatch.check(batch, isFixed: isFixed, over: Replicas(count: count, here: here ?? 0..<count))
      return nil
    } catch {
      return error.description
    }
  }

  @Test func theNearestOnesAreNamed() {
    #expect(line(100, 4) == nil && line(8, 8) == nil && line(7, 1) == nil)
    #expect(line(100, 8) == "batch 100 cannot be shared evenly by 8 devices; give 96 or 104")
    #expect(line(3, 8) == "batch 3 cannot be shared evenly by 8 devices; give 8")
    #expect(line(10, 4, here: 1..<2) == "batch 10 cannot be shared evenly by 4 processes; give 8 or 12")
    #expect(line(10, 4, here: 2..<4) == "batch 10 cannot be shared evenly by 4 devices of all processes; give 8 or 12")
    #expect(line(16, 6, isFixed: true) == "batch 16 cannot be shared evenly by 6 devices; give 4 devices")
  }
}
