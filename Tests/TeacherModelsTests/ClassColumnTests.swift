import Testing

@testable import TeacherModels

@Suite struct ClassColumnTests {
  @Test func eachClassAsOftenAsTheOthers() {
    let columns = ClassColumns(names: ["cat", "", "犬"])
    #expect(columns.classes == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    #expect(columns.names.prefix(3) == ["cat", "class 1", "class 2"])
    #expect(columns.labels(rows: 2) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
  }

  @Test func someOfMany() {
    let columns = ClassColumns(names: (0..<1000).map { "c\($0)" })
    #expect(columns.classes == [0, 100, 200, 300, 400, 500, 600, 700, 800, 900])
    #expect(columns.names.last == "c900")
  }
}
