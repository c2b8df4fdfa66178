// SPDX-License-Identifier: Apache-2.0

/// Which characters are a letter and a mark (Unicode's canonical decomposition): `é` is `e` and U+0301.
///
/// A Mac names files with the two, most keyboards write the one, and nobody sees the difference.
enum Decomposition {
    /// The letter and the mark, both as they are written; nil if the character is not made of two.
    ///
    /// The letter may be made of two again.
    static func pair(of scalar: UInt32) -> (UInt32, UInt32)? { self.pairs[scalar] }

    private static let pairs: [UInt32: (UInt32, UInt32)] = {
        var pairs: [UInt32: (UInt32, UInt32)] = [:]
        for (mark, letters) in Self.table {
            let scalars = Array(letters.unicodeScalars)
            for index in stride(from: 0, to: scalars.count - 1, by: 2) {
                pairs[scalars[index].value] = (scalars[index + 1].value, mark)
            }
        }
        return pairs
    }()

    /// A mark, and for each letter that can have it the letter with it and the letter alone; small letters only.
    ///
    /// From UnicodeData.txt of Unicode 14: characters of the basic plane with a canonical decomposition into two and no
    /// smaller form, without those that a normalised text never has.
    private static let table: [(mark: UInt32, letters: String)] = [
        (0x0300, "àaèeìiòoùuǜüǹnѐеѝиḕēṑōẁwầâằăềêồôờơừưỳyἂἀἃἁἒἐἓἑἢἠἣἡἲἰἳἱὂὀὃὁὒὐὓὑὢὠὣὡὰαὲεὴηὶιὸοὺυὼω"),
        (0x0300, "῍᾿ῒϊ῝῾ῢϋ῭¨"),
        (0x0301, "áaéeíióoúuýyćcĺlńnŕrśsźzǘüǵgǻåǽæǿø΅¨ΐϊάαέεήηίιΰϋόούυώωϓϒѓгќкḉçḗēḯïḱkḿmṍõṓōṕpṹũẃw"),
        (0x0301, "ấâắăếêốôớơứưἄἀἅἁἔἐἕἑἤἠἥἡἴἰἵἱὄὀὅὁὔὐὕὑὤὠὥὡ῎᾿῞῾"),
        (0x0302, "âaêeîiôoûuĉcĝgĥhĵjŝsŵwŷyẑzậạệẹộọ"),
        (0x0303, "ãañnõoĩiũuṽvẫâẵăẽeễêỗôỡơữưỹy"),
        (0x0304, "āaēeīiōoūuǖüǟäǡȧǣæǭǫȫöȭõȱȯȳyӣиӯуḡgḹḷṝṛᾱαῑιῡυ"),
        (0x0306, "ăaĕeğgĭiŏoŭuйиўуӂжӑаӗеḝȩặạᾰαῐιῠυ"),
        (0x0307, "ċcėeġgżzȧaȯoḃbḋdḟfḣhṁmṅnṗpṙrṡsṥśṧšṩṣṫtẇwẋxẏyẛſ"),
        (0x0308, "äaëeïiöoüuÿyϊιϋυϔϒёеїіӓаӛәӝжӟзӥиӧоӫөӭэӱуӵчӹыḧhṏõṻūẅwẍxẗt"),
        (0x0309, "ảaẩâẳăẻeểêỉiỏoổôởơủuửưỷy"),
        (0x030A, "åaůuẘwẙy"),
        (0x030B, "őoűuӳу"),
        (0x030C, "čcďděeľlňnřršsťtžzǎaǐiǒoǔuǚüǧgǩkǯʒǰjȟh"),
        (0x030F, "ȁaȅeȉiȍoȑrȕuѷѵ"),
        (0x0311, "ȃaȇeȋiȏoȓrȗu"),
        (0x0313, "ἀαἐεἠηἰιὀοὐυὠωῤρ"),
        (0x0314, "ἁαἑεἡηἱιὁοὑυὡωῥρ"),
        (0x031B, "ơoưu"),
        (0x0323, "ḅbḍdḥhḳkḷlṃmṇnṛrṣsṭtṿvẉwẓzạaẹeịiọoợơụuựưỵy"),
        (0x0324, "ṳu"),
        (0x0325, "ḁa"),
        (0x0326, "șsțt"),
        (0x0327, "çcģgķkļlņnŗrşsţtȩeḑdḩh"),
        (0x0328, "ąaęeįiųuǫo"),
        (0x032D, "ḓdḙeḽlṋnṱtṷu"),
        (0x032E, "ḫh"),
        (0x0330, "ḛeḭiṵu"),
        (0x0331, "ḇbḏdḵkḻlṉnṟrṯtẕzẖh"),
        (0x0338, "↚←↛→↮↔⇍⇐⇎⇔⇏⇒∄∃∉∈∌∋∤∣∦∥≁∼≄≃≇≅≉≈≠=≢≡≭≍≮<≯>≰≤≱≥≴≲≵≳≸≶≹≷⊀≺⊁≻⊄⊂⊅⊃⊈⊆⊉⊇⊬⊢⊭⊨⊮⊩⊯⊫⋠≼⋡≽⋢⊑⋣⊒"),
        (0x0338, "⋪⊲⋫⊳⋬⊴⋭⊵"),
        (0x0342, "ἆἀἇἁἦἠἧἡἶἰἷἱὖὐὗὑὦὠὧὡᾶα῁¨ῆη῏᾿ῖιῗϊ῟῾ῦυῧϋῶω"),
        (0x0345, "ᾀἀᾁἁᾂἂᾃἃᾄἄᾅἅᾆἆᾇἇᾐἠᾑἡᾒἢᾓἣᾔἤᾕἥᾖἦᾗἧᾠὠᾡὡᾢὢᾣὣᾤὤᾥὥᾦὦᾧὧᾲὰᾳαᾴάᾷᾶῂὴῃηῄήῇῆῲὼῳωῴώῷῶ"),
        (0x0653, "آا"),
        (0x0654, "أاؤوئيۀەۂہۓے"),
        (0x0655, "إا"),
        (0x093C, "ऩनऱरऴळ"),
        (0x09BE, "োে"),
        (0x09D7, "ৌে"),
        (0x0B3E, "ୋେ"),
        (0x0B56, "ୈେ"),
        (0x0B57, "ୌେ"),
        (0x0BBE, "ொெோே"),
        (0x0BD7, "ஔஒௌெ"),
        (0x0C56, "ైె"),
        (0x0CC2, "ೊೆ"),
        (0x0CD5, "ೀಿೇೆೋೊ"),
        (0x0CD6, "ೈೆ"),
        (0x0D3E, "ൊെോേ"),
        (0x0D57, "ൌെ"),
        (0x0DCA, "ේෙෝො"),
        (0x0DCF, "ොෙ"),
        (0x0DDF, "ෞෙ"),
        (0x102E, "ဦဥ"),
        (0x1B35, "ᬆᬅᬈᬇᬊᬉᬌᬋᬎᬍᬒᬑᬻᬺᬽᬼᭀᬾᭁᬿᭃᭂ"),
        (0x3099, "がかぎきぐくげけごこざさじしずすぜせぞそだたぢちづつでてどとばはびひぶふべへぼほゔうゞゝガカギキグクゲケゴコザサジシズスゼセゾソダタヂチヅツデテドトバハビヒブフ"),
        (0x3099, "ベヘボホヴウヷワヸヰヹヱヺヲヾヽ"),
        (0x309A, "ぱはぴひぷふぺへぽほパハピヒプフペヘポホ"),
    ]
}
