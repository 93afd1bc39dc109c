import TensorCore
import Testing

@Suite("Backends") struct BackendTests {
  @Test func operandsOfTwoBackendsEndTheProgram() async {
    await #expect(processExitsWith: .failure) {
      let first = Tensor([1, 2], [2])
      let second = Backends.$override.withValue(RecordingBackend()) { Tensor([3, 4], [2]) }
      _ = first + second
    }
  }

  /// The backend of the tests itself: a copy inside a step is counted and right, and a step that differs is a new program.
  @Test func theRecordingBackendSeesWhatItIsFor() {
    let backend = RecordingBackend()
    Backends.$override.withValue(backend) {
      let x = Tensor([1, 2], [2])
      let inside = Backends.step { (x * 2).elements }
      #expect(inside == [2, 4] && backend.copiesInsideSteps == 1)
      for factor in [3, 4] as [Float] {
        let constant = Backends.step { x * factor }
        #expect(constant.elements == [factor, 2 * factor])
      }
      let before = backend.programCount
      for factor in [5, 6] as [Float] {
        let varying = Backends.step { x * Tensor(factor) }
        #expect(varying.elements == [factor, 2 * factor])
      }
      #expect(backend.programCount == before + 1 && before >= 3)
      #expect(backend.last?.replaced == [nil])
      let state = Tensor.zeros([2])
      for _ in 0..<3 { Backends.step { state.assign(state + x) } }
      #expect(state.elements == [3, 6])
      // Two updates in a step: the last value takes the memory of the first.
      Backends.step { for _ in 0..<2 { state.assign(x + state) } }
      #expect(state.elements == [5, 10] && backend.last?.replaced == [1])
      // What nobody holds is not computed: a program without results is none.
      let steps = backend.steps
      Backends.step { _ = x * 2 }
      #expect(backend.steps == steps)
    }
  }
}
