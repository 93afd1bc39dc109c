import Foundation
import TensorCore
import Testing

@testable import Distillation

/// What the bundled generators draw at seed 0. Another file in Models/ or another meaning of its weights shows here: if it
/// is meant to, record the tokens anew.
@Suite("Bundled generators") struct BundledGeneratorTests {
  private static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Models").standardizedFileURL.path

  /// Tokens of samples 0 and 1, of the classes of the same numbers; equal with OpenBLAS's kernels for Haswell, Skylake-X
  /// and Zen, on one thread and on two.
  private static let recorded: [String: String] = [
    "shapes32-var": """
    218 245 227 106 215 9 173 106 106 109 161 18 114 167 238 78 191 155 191 244 109 104 9 244 109 238 167 139
    155 202 106 106 89 106 106 89 106 106 106 107 26 221 155 34 106 89 137 107 34 115 115 230 161 106 115 106
    115 115 106 106 230 114 106 155 106 208 230 137 207 207 47 226 46 161 230 114 191 75 230 60 200 46 161 191
    239 200 200 62 176 226 161 226 46 145 33 200 75 10 230 226 57 162 9 168 114 204 32 106 89 116 250 161 33
    137 106 230 26 169 20 169 230 89 106 230 244 230 176 244 230 114
    204 204 9 230 10 0 34 10 115 155 155 89 208 0 34 139 107 46 216 78 38 108 230 89 25 163 238 191 45 9 34
    115 106 107 230 230 106 115 230 169 114 106 208 106 115 93 106 106 106 104 230 155 192 106 155 106 230 106
    106 115 114 106 114 106 106 106 106 106 115 116 107 115 208 191 230 200 9 34 179 114 230 106 137 34 9 154
    155 38 106 34 161 104 46 107 251 106 115 89 155 176 89 104 41 89 185 18 106 89 114 200 191 39 106 230 114
    50 106 176 176 114 9 89 115 106 89 106 9 9 106 230
    """,
    "shapes32-llamagen": """
    244 149 185 212 212 185 212 212 88 211 251 64 33 251 212 212 217 18 10 10 10 87 212 212 153 10 10 10 10
    207 91 99 57 98 10 10 10 179 58 212 136 12 129 10 221 91 196 196 228 160 136 129 238 91 212 185 136 136
    151 151 241 185 64 186
    51 51 51 164 87 49 190 5 51 9 216 28 28 239 233 190 164 84 124 101 65 132 115 126 14 242 28 113 163 164
    115 40 51 51 244 14 126 126 229 40 203 51 152 216 28 101 161 190 198 51 51 145 145 132 214 14 198 51 51 51
    198 242 51 198
    """,
  ]

  @Test(arguments: ["shapes32-var", "shapes32-llamagen"]) func drawTheRecordedTokens(_ name: String) throws {
    let teacher = try TeacherFile.read("\(Self.models)/\(name)-teacher.h5")
    let generator = try GeneratorFile.read("\(Self.models)/\(name)-generator.h5", teacher: teacher).generator
    let ids = try GeneratorSampler(generator: generator, teacher: teacher.teacher)
      .tokens(labels: [0, 1], seed: 0, indices: [0, 1])
    #expect(ids.values == Self.recorded[name]?.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) })
  }
}
