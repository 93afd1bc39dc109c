/// The results of a kernel that computes only those that are wanted: handed out in order, nil where one is not.
struct WantedResults {
  private var results: ArraySlice<Storage>
  private var wanted: ArraySlice<Bool>

  init(_ results: [Storage], _ wanted: [Bool]) {
    self.results = results[...]
    self.wanted = wanted[...]
  }

  mutating func next() -> Storage? { wanted.popFirst() == true ? results.popFirst() : nil }
}
