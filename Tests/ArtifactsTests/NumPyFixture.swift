import Foundation
import TestSupport

/// NumPy arrays and archives, made by hand.
enum NumPyFixture {
  /// A `.npy` file.
  static func array(
    _ descr: String, _ shape: String, fortran: Bool = false, version: UInt8 = 1, _ elements: [UInt8]
  ) -> [UInt8] {
    let header = "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }  \n"
    return array(header: header, version: version, elements)
  }

  /// A `.npy` file with any text for its header.
  static func array(header: String, version: UInt8 = 1, _ elements: [UInt8]) -> [UInt8] {
    let count = header.utf8.count
    let length = version == 1 ? littleEndian(UInt16(count)) : littleEndian(UInt32(count))
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + elements
  }

  /// Bytes of Doubles.
  static func doubles(_ values: [Double]) -> [UInt8] { values.flatMap { littleEndian($0.bitPattern) } }

  /// Numbers 0 to 11 as float32, (3, 4), deflated by Python's zlib.
  static let deflated = [UInt8](
    Data(
      base64Encoded: """
        m+wX6hsQychQxlCtnpJanFykbqWgbpNmoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaxjoKJpo6CrUKZA
        MuBjBosAcSDkAExA1AvACIDwDxAyBmcGRgEABiBSA2cAQA
        """, options: .ignoreUnknownCharacters) ?? Data())
  /// Length and checksum of what it stands for.
  static let inflatedCount = 176
  static let inflatedChecksum: UInt32 = 0x26226F2D

  /// An archive of a stored and a deflated array.
  static var archive: ZipBytes {
    var packed = ZipBytes.Entry(name: "packed.npy", content: deflated)
    (packed.method, packed.size, packed.checksum) = (8, inflatedCount, inflatedChecksum)
    let stored = ZipBytes.Entry(name: "mu.npy", content: array("<f8", "(2, 3)", doubles([0, 1, 2, 3, 4, 5])))
    return ZipBytes(entries: [stored, packed])
  }

  /// An archive of NumPy 2.4's `savez_compressed`: images `arr_0` (2, 2, 2, 3), int32 labels `arr_1`, `mu` of float64,
  /// and arrays of truth values, text, objects, records, big-endian numbers, dates, half precision, raw bytes and complex
  /// numbers.
  static let mixed = [UInt8](
    Data(
      base64Encoded: """
        UEsDBC0AAAAIAAAAIQCFOo9T//////////8JABQAYXJyXzAubnB5AQAQAJgAAAAAAAAAYAAAAAAAAACb7BfqGxDJyFDGUK2eklqc\
        XKRupaBeU2qorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgoQZKypo1CrQAbgYmBkYmZhZWPn4OTi5uHl4xcQFBIW\
        ERUTBwBQSwMELQAAAAgAAAAhAKqh5Er//////////wkAFABhcnJfMS5ucHkBABAAiAAAAAAAAABLAAAAAAAAAJvsF+obEMnIUMZQ\
        rZ6SWpxcpG6loG6TaaKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5mBgYGFiAGAFBLAwQtAAAACAAA\
        ACEAujQuc///////////CQAUAGZsYWdzLm5weQEAEACBAAAAAAAAAEUAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXpNkqK6j\
        oJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjqaOgq1ChQALkYAUEsDBC0AAAAIAAAAIQBwR22W//////////8IABQAdGV4\
        dC5ucHkBABAAkAAAAAAAAABNAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG4TaqSuo6Cell9UUpSYF59flJIKEndLzClOBYoX\
        ZyQWpAL5GkY6mjoKtQoUAK5EBghIAuJkIAYAUEsDBC0AAAAIAAAAIQAdV1dy//////////8LABQAb2JqZWN0cy5ucHkBABAAGwEA\
        AAAAAADFAAAAAAAAAKWLPwuCQBjGvSyCaG52uwJxaIqWhqAhSSNoaAg59aKgVF7PSDJoiQpuCHz7vKX5EfoNDzz/cms5m6+IclTO\
        1OexB3So0cymukY3IQhggROCz8t4wvYxL/J4yyJe+G5f7+naRfuH1rX+fikVshMkhyg1HC8EbhySvdgxAJaibDvAvTCIBSSewBxl\
        47dE2Qz8apKjqdxwTFy84wK7JjFrN9yqsuGLNOLlpWYP8PmoWlWSDC3Lmn4KfmKOBLrPdfmU5IS8cMYXUEsDBC0AAAAIAAAAIQBk\
        JRgg//////////8LABQAcmVjb3Jkcy5ucHkBABAA8AAAAAAAAABzAAAAAAAAAJvsF+obEMnIsI2hWj0ltTi5SN1KIVpDPVFdR0Hd\
        Js1CXVNHQUMps0S9WCFaCSSUaQKU0TDW0QRJqOcBOUDVKRDVJuqasZqxQGZaflFJUWJefH5RSirIQLfEnOJUoHhxRmJBKpCvYaQD\
        1F6rQDngYiARAABQSwMELQAAAAgAAAAhACmAk53//////////wcAFABiaWcubnB5AQAQAJAAAAAAAAAARwAAAAAAAACb7BfqGxDJ\
        yFDGUK2eklqcXKRupaBul2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFAAuBjQAAFBLAwQtAAAACAAA\
        ACEA/p64H///////////CAAUAHdoZW4ubnB5AQAQAIgAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBu42sR7RKr\
        rqOgnpZfVFKUmBefX5SSCpJyS8wpTgWKF2ckFqQC+RqGOpo6CrUK5AKuMHcGMAAAUEsDBC0AAAAIAAAAIQAkIeEr//////////8G\
        ABQAbXUubnB5AQAQAJgAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wp\
        TgWKF2ckFqQC+RrGOpo6CrUKFAAuBhTwwR7KcAAAUEsDBC0AAAAIAAAAIQBoCq60//////////8IABQAaGFsZi5ucHkBABAAggAA\
        AAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqSuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6mjoK\
        tQoUAC4GBgBQSwMELQAAAAgAAAAhABaAZ3L//////////wcAFAByYXcubnB5AQAQAIMAAAAAAAAARwAAAAAAAACb7BfqGxDJyFDG\
        UK2eklqcXKRupaBeE2asrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOpo6CrUKFAAuBgYGAFBLAwQtAAAACAAAACEA\
        Wv1qd///////////CAAUAGh1Z2UubnB5AQAQAJAAAAAAAAAASAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2xopq6joJ6W\
        X1RSlJgXn1+UkgqScEvMKU4FihdnJBakAvkahjqaOgq1CuQDLgY0AABQSwECLQMtAAAACAAAACEAhTqPU2AAAACYAAAACQAAAAAA\
        AAAAAAAAgAEAAAAAYXJyXzAubnB5UEsBAi0DLQAAAAgAAAAhAKqh5EpLAAAAiAAAAAkAAAAAAAAAAAAAAIABmwAAAGFycl8xLm5w\
        eVBLAQItAy0AAAAIAAAAIQC6NC5zRQAAAIEAAAAJAAAAAAAAAAAAAACAASEBAABmbGFncy5ucHlQSwECLQMtAAAACAAAACEAcEdt\
        lk0AAACQAAAACAAAAAAAAAAAAAAAgAGhAQAAdGV4dC5ucHlQSwECLQMtAAAACAAAACEAHVdXcsUAAAAbAQAACwAAAAAAAAAAAAAA\
        gAEoAgAAb2JqZWN0cy5ucHlQSwECLQMtAAAACAAAACEAZCUYIHMAAADwAAAACwAAAAAAAAAAAAAAgAEqAwAAcmVjb3Jkcy5ucHlQ\
        SwECLQMtAAAACAAAACEAKYCTnUcAAACQAAAABwAAAAAAAAAAAAAAgAHaAwAAYmlnLm5weVBLAQItAy0AAAAIAAAAIQD+nrgfTAAA\
        AIgAAAAIAAAAAAAAAAAAAACAAVoEAAB3aGVuLm5weVBLAQItAy0AAAAIAAAAIQAkIeErTAAAAJgAAAAGAAAAAAAAAAAAAACAAeAE\
        AABtdS5ucHlQSwECLQMtAAAACAAAACEAaAqutEYAAACCAAAACAAAAAAAAAAAAAAAgAFkBQAAaGFsZi5ucHlQSwECLQMtAAAACAAA\
        ACEAFoBnckcAAACDAAAABwAAAAAAAAAAAAAAgAHkBQAAcmF3Lm5weVBLAQItAy0AAAAIAAAAIQBa/Wp3SAAAAJAAAAAIAAAAAAAA\
        AAAAAACAAWQGAABodWdlLm5weVBLBQYAAAAADAAMAI0CAADmBgAAAAA=
        """) ?? Data())
}
