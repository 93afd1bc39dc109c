/// The operations of one step, written down: what a backend compiles.
///
/// Arrays are numbered as they appear. Two steps whose programs are equal are the same computation on other inputs.
public struct StepProgram: Hashable, Sendable {
  /// What an instruction does.
  public enum Operation: Hashable, Sendable {
    /// The results are new arrays.
    case run(Kernel)
    /// The results are the new values of the first operands, as many as there are results.
    case update(UpdateKernel)
  }

  /// One operation with the numbers of its arrays.
  public struct Instruction: Hashable, Sendable {
    public let operation: Operation
    public let operands: [Int]
    public let results: [Int]
  }

  /// An array that the step reads of what was there before it.
  public struct Input: Hashable, Sendable {
    public let number: Int
    public let type: ArrayType
  }

  /// In the order in which they are first read.
  public internal(set) var inputs: [Input] = []
  /// In the order in which they were asked for.
  public internal(set) var instructions: [Instruction] = []
  /// Arrays that somebody still holds when the step is over.
  public internal(set) var outputs: [Int] = []
  /// For each output, the input whose memory it may take: that of a state which the step replaced; nil for none.
  public internal(set) var replaced: [Int?] = []
  /// Numbers given so far.
  public internal(set) var count = 0
}
