import Foundation
import TeacherModels
import TensorCore
import Testing

@testable import Sampling

/// What the bundled generators draw at seed 0. Another file in Models/ or another meaning of its weights shows here: if it
/// is meant to, record the tokens anew.
@Suite("Bundled generators") struct BundledGeneratorTests {
  private static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Models").standardizedFileURL.path

  /// Tokens of samples 0 and 1, of the classes of the same numbers; equal with OpenBLAS's kernels for Haswell, Skylake-X
  /// and Zen, on one thread and on two, and in PyTorch 2.13 by the file that `dd2 export` writes.
  private static let recorded: [String: String] = [
    "shapes32-var": """
    218 245 227 106 215 9 173 106 106 109 161 230 106 167 238 78 191 155 191 244 109 104 9 244 109 238 139 139
    155 202 106 9 89 106 106 89 106 106 106 107 26 221 106 34 106 89 137 107 34 115 115 230 161 106 230 106 9
    115 106 106 230 114 106 155 106 208 230 137 207 207 47 226 46 161 230 114 139 75 230 60 200 46 161 191 239
    200 200 17 132 253 161 196 46 145 33 200 75 10 230 226 57 162 185 168 114 164 230 32 231 46 250 161 33 137
    106 230 26 169 20 169 230 89 106 106 244 230 176 244 244 114
    204 204 9 230 10 0 34 10 115 155 155 89 208 0 34 139 107 46 216 96 38 108 46 89 28 163 251 9 45 9 34 115
    106 107 107 89 106 115 115 169 104 106 208 230 115 214 106 106 106 104 230 106 192 106 106 106 34 115 106
    115 114 106 114 106 106 106 34 192 115 116 113 115 208 125 160 200 75 155 103 114 141 106 137 34 45 108
    155 13 106 34 161 176 244 107 251 34 167 137 155 176 89 104 41 155 167 18 106 10 114 200 200 155 230 230
    114 50 106 75 114 114 9 89 34 106 244 106 34 34 106 230
    """,
    "shapes32-llamagen": """
    244 185 185 185 185 185 181 181 160 108 96 96 108 113 181 193 143 92 28 92 92 246 46 212 172 217 101 101
    13 246 46 99 228 13 101 229 101 201 181 181 144 187 229 161 47 214 181 159 77 145 65 115 67 46 54 181 77
    143 80 96 143 70 70 52
    51 148 148 148 87 5 14 8 163 148 31 10 28 239 134 190 38 84 124 187 65 4 240 75 31 84 92 40 80 164 115 200
    120 203 229 75 100 126 63 100 148 9 106 140 56 101 161 183 148 9 164 65 65 132 197 93 148 148 148 163 9 67
    71 9
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
