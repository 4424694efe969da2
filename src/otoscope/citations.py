"""The bibliography: every work that a method, a model, a data set or a page comes from.

A short citation stands in the ``source`` of a result (:func:`cite`), the full reference on pages (:func:`reference`).
The four works that most methods come from go by a name (``swam``, ``relevance``, ``sonification``, ``simplenet``), all
others by their first author and year.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from otoscope.errors import InputError


@dataclass(frozen=True)
class Reference:
    """A published work.

    Parameters
    ----------
    authors : tuple of str
        In the order of the work, as ``"Family, G."``; one without a comma is a name as it stands.
    year : int
    title : str
    venue : str
        Where it was published, with volume and pages.
    doi, url : str
        At most one of the two: a work that has a DOI is found by it.
    """

    authors: tuple[str, ...]
    year: int
    title: str
    venue: str
    doi: str = ""
    url: str = ""

    @property
    def label(self) -> str:
        """Authors and year, such as ``Gupta and Abrol 2022``."""
        families = [author.partition(",")[0] for author in self.authors]
        named = " and ".join(families) if len(families) < 3 else f"{families[0]} et al."
        return f"{named} {self.year}"

    @property
    def link(self) -> str:
        """Address of the work, empty where none is known."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    def __str__(self) -> str:
        """The full reference on one line."""
        names = [" ".join(reversed(author.split(", "))) for author in self.authors]
        joined = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
        title = self.title if self.title.endswith("?") else f"{self.title}."
        return f"{joined} ({self.year}). {title} {self.venue}.{self.link and f' {self.link}'}"


def cite(key: str, place: str = "") -> str:
    """A short citation on one line.

    Parameters
    ----------
    key : str
        Of :data:`BIBLIOGRAPHY`.
    place : str
        Where in the work, such as ``section 3.3, Fig. 4``.

    Returns
    -------
    str
        Authors, year, title and place.

    Raises
    ------
    InputError
        If no work has this key.

    Examples
    --------
    >>> cite("swam", "section 3.3, Fig. 4")
    'Gupta and Abrol 2022, "Time-Frequency and Geometric Analysis of Task-Dependent Learning in Raw Waveform Based
    Acoustic Models", section 3.3, Fig. 4'
    """
    found = _find(key)
    return f'{found.label}, "{found.title}"{place and f", {place}"}'


def reference(key: str) -> str:
    """The full reference of a work on one line.

    Parameters
    ----------
    key : str
        Of :data:`BIBLIOGRAPHY`.

    Returns
    -------
    str
        Authors, year, title, venue and address.

    Raises
    ------
    InputError
        If no work has this key.

    Examples
    --------
    >>> reference("zeiler2014")
    'M. D. Zeiler and R. Fergus (2014). Visualizing and Understanding Convolutional Networks. European Conference on
    Computer Vision (ECCV), 818-833. https://doi.org/10.1007/978-3-319-10590-1_53'
    >>> reference("zeiler")
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: the bibliography has no 'zeiler'; did you mean zeiler2014?
    """
    return str(_find(key))


def _find(key: str) -> Reference:
    if key in BIBLIOGRAPHY:
        return BIBLIOGRAPHY[key]
    close = difflib.get_close_matches(key, BIBLIOGRAPHY, 1)
    raise InputError(
        f"the bibliography has no {key!r}; {f'did you mean {close[0]}?' if close else 'see BIBLIOGRAPHY for its keys'}"
    )


BIBLIOGRAPHY: dict[str, Reference] = {
    # -- The four works that most methods come from
    "swam": Reference(
        ("Gupta, D.", "Abrol, V."),
        2022,
        "Time-Frequency and Geometric Analysis of Task-Dependent Learning in Raw Waveform Based Acoustic Models",
        "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP), 4323-4327",
        "10.1109/ICASSP43922.2022.9746577",
    ),
    "relevance": Reference(
        ("Muckenhirn, H.", "Abrol, V.", "Magimai.-Doss, M.", "Marcel, S."),
        2019,
        "Understanding and Visualizing Raw Waveform-based CNNs",
        "Interspeech, 2345-2349",
    ),
    "sonification": Reference(
        ("Yadav, S.",),
        2022,
        "Interpreting Intermediate Feature Representations of Raw-Waveform Deep CNNs by Sonification",
        "MSc(R) thesis, University of Glasgow",
        url="https://theses.gla.ac.uk/82820/",
    ),
    "simplenet": Reference(
        ("Anonymous authors",),
        2018,
        "How do deep convolutional neural networks learn from raw audio waveforms?",
        "Under review as a conference paper at the International Conference on Learning Representations (ICLR)",
    ),
    # -- Relevance and what it can mean
    "zeiler2014": Reference(
        ("Zeiler, M. D.", "Fergus, R."),
        2014,
        "Visualizing and Understanding Convolutional Networks",
        "European Conference on Computer Vision (ECCV), 818-833",
        "10.1007/978-3-319-10590-1_53",
    ),
    "simonyan2014": Reference(
        ("Simonyan, K.", "Vedaldi, A.", "Zisserman, A."),
        2014,
        "Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps",
        "International Conference on Learning Representations (ICLR), workshop",
        "10.48550/arXiv.1312.6034",
    ),
    "springenberg2015": Reference(
        ("Springenberg, J. T.", "Dosovitskiy, A.", "Brox, T.", "Riedmiller, M."),
        2015,
        "Striving for Simplicity: The All Convolutional Net",
        "International Conference on Learning Representations (ICLR), workshop",
        "10.48550/arXiv.1412.6806",
    ),
    "shrikumar2016": Reference(
        ("Shrikumar, A.", "Greenside, P.", "Shcherbina, A.", "Kundaje, A."),
        2016,
        "Not Just a Black Box: Learning Important Features Through Propagating Activation Differences",
        "arXiv:1605.01713",
        "10.48550/arXiv.1605.01713",
    ),
    "bach2015": Reference(
        ("Bach, S.", "Binder, A.", "Montavon, G.", "Klauschen, F.", "Müller, K.-R.", "Samek, W."),
        2015,
        "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation",
        "PLoS ONE 10(7), e0130140",
        "10.1371/journal.pone.0130140",
    ),
    "montavon2019": Reference(
        ("Montavon, G.", "Binder, A.", "Lapuschkin, S.", "Samek, W.", "Müller, K.-R."),
        2019,
        "Layer-Wise Relevance Propagation: An Overview",
        "Explainable AI: Interpreting, Explaining and Visualizing Deep Learning, 193-209",
        "10.1007/978-3-030-28954-6_10",
    ),
    "achtibat2024": Reference(
        (
            "Achtibat, R.",
            "Hatefi, S. M. V.",
            "Dreyer, M.",
            "Jain, A.",
            "Wiegand, T.",
            "Lapuschkin, S.",
            "Samek, W.",
        ),
        2024,
        "AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers",
        "International Conference on Machine Learning (ICML)",
        "10.48550/arXiv.2402.05602",
    ),
    "shrikumar2017": Reference(
        ("Shrikumar, A.", "Greenside, P.", "Kundaje, A."),
        2017,
        "Learning Important Features Through Propagating Activation Differences",
        "International Conference on Machine Learning (ICML), 3145-3153",
        "10.48550/arXiv.1704.02685",
    ),
    "selvaraju2017": Reference(
        ("Selvaraju, R. R.", "Cogswell, M.", "Das, A.", "Vedantam, R.", "Parikh, D.", "Batra, D."),
        2017,
        "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
        "IEEE International Conference on Computer Vision (ICCV), 618-626",
        "10.1109/ICCV.2017.74",
    ),
    "petsiuk2018": Reference(
        ("Petsiuk, V.", "Das, A.", "Saenko, K."),
        2018,
        "RISE: Randomized Input Sampling for Explanation of Black-box Models",
        "British Machine Vision Conference (BMVC)",
        "10.48550/arXiv.1806.07421",
    ),
    "brusch2024": Reference(
        ("Brüsch, T.", "Wickstrøm, K. K.", "Schmidt, M. N.", "Alstrøm, T. S.", "Jenssen, R."),
        2024,
        "FreqRISE: Explaining time series using frequency masking",
        "arXiv:2406.13584",
        "10.48550/arXiv.2406.13584",
    ),
    "sundararajan2017": Reference(
        ("Sundararajan, M.", "Taly, A.", "Yan, Q."),
        2017,
        "Axiomatic Attribution for Deep Networks",
        "International Conference on Machine Learning (ICML), 3319-3328",
        "10.48550/arXiv.1703.01365",
    ),
    "smilkov2017": Reference(
        ("Smilkov, D.", "Thorat, N.", "Kim, B.", "Viégas, F.", "Wattenberg, M."),
        2017,
        "SmoothGrad: removing noise by adding noise",
        "ICML Workshop on Visualization for Deep Learning",
        "10.48550/arXiv.1706.03825",
    ),
    "adebayo2018": Reference(
        ("Adebayo, J.", "Gilmer, J.", "Muelly, M.", "Goodfellow, I.", "Hardt, M.", "Kim, B."),
        2018,
        "Sanity Checks for Saliency Maps",
        "Advances in Neural Information Processing Systems (NeurIPS) 31",
        url="https://papers.nips.cc/paper/8160-sanity-checks-for-saliency-maps",
    ),
    "vielhaben2024": Reference(
        ("Vielhaben, J.", "Lapuschkin, S.", "Montavon, G.", "Samek, W."),
        2024,
        "Explainable AI for time series via Virtual Inspection Layers",
        "Pattern Recognition 150, 110309",
        "10.1016/j.patcog.2024.110309",
    ),
    "nie2018": Reference(
        ("Nie, W.", "Zhang, Y.", "Patel, A."),
        2018,
        "A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based Visualizations",
        "International Conference on Machine Learning (ICML), 3809-3818",
        "10.48550/arXiv.1805.07039",
    ),
    # -- Filters and responses
    "golik2015": Reference(
        ("Golik, P.", "Tüske, Z.", "Schlüter, R.", "Ney, H."),
        2015,
        "Convolutional Neural Networks for Acoustic Modeling of Raw Time Signal in LVCSR",
        "Interspeech, 26-30",
    ),
    "palaz2015": Reference(
        ("Palaz, D.", "Magimai.-Doss, M.", "Collobert, R."),
        2015,
        "Analysis of CNN-based Speech Recognition System using Raw Speech as Input",
        "Interspeech, 11-15",
    ),
    "skretting2011": Reference(
        ("Skretting, K.", "Engan, K."),
        2011,
        "Learned dictionaries for sparse image representation: properties and results",
        "Wavelets and Sparsity XIV, Proc. SPIE 8138, 404-417",
    ),
    "brown1991": Reference(
        ("Brown, J. C.",),
        1991,
        "Calculation of a constant Q spectral transform",
        "Journal of the Acoustical Society of America 89(1), 425-434",
        "10.1121/1.400476",
    ),
    "oshaughnessy1987": Reference(
        ("O'Shaughnessy, D.",), 1987, "Speech Communication: Human and Machine", "Addison-Wesley"
    ),
    "ville1948": Reference(
        ("Ville, J.",),
        1948,
        "Théorie et applications de la notion de signal analytique",
        "Câbles et Transmission 2A(1), 61-74",
    ),
    "welch1967": Reference(
        ("Welch, P. D.",),
        1967,
        "The use of fast Fourier transform for the estimation of power spectra: A method based on time averaging over "
        "short, modified periodograms",
        "IEEE Transactions on Audio and Electroacoustics 15(2), 70-73",
        "10.1109/TAU.1967.1161901",
    ),
    "araujo2019": Reference(
        ("Araujo, A.", "Norris, W.", "Sim, J."),
        2019,
        "Computing Receptive Fields of Convolutional Neural Networks",
        "Distill",
        "10.23915/distill.00021",
    ),
    # -- Voice
    "boersma1993": Reference(
        ("Boersma, P.",),
        1993,
        "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound",
        "Proceedings of the Institute of Phonetic Sciences 17, 97-110, Amsterdam",
    ),
    "viemeister1979": Reference(
        ("Viemeister, N. F.",),
        1979,
        "Temporal modulation transfer functions based upon modulation thresholds",
        "Journal of the Acoustical Society of America 66(5), 1364-1380",
        "10.1121/1.383531",
    ),
    "makhoul1975": Reference(
        ("Makhoul, J.",),
        1975,
        "Linear prediction: A tutorial review",
        "Proceedings of the IEEE 63(4), 561-580",
        "10.1109/PROC.1975.9792",
    ),
    "krimphoff1994": Reference(
        ("Krimphoff, J.", "McAdams, S.", "Winsberg, S."),
        1994,
        "Caractérisation du timbre des sons complexes. II. Analyses acoustiques et quantification psychophysique",
        "Journal de Physique IV 4 (C5), 625-628",
        "10.1051/jp4:19945134",
    ),
    "dixon2006": Reference(
        ("Dixon, S.",),
        2006,
        "Onset detection revisited",
        "International Conference on Digital Audio Effects (DAFx), 133-137",
    ),
    "roebel2005": Reference(
        ("Röbel, A.", "Rodet, X."),
        2005,
        "Efficient spectral envelope estimation and its application to pitch shifting and envelope preservation",
        "International Conference on Digital Audio Effects (DAFx), 30-35",
    ),
    "imai1979": Reference(
        ("Imai, S.", "Abe, Y."),
        1979,
        "Spectral envelope extraction by improved cepstral method",
        "Electronics and Communications 62-A(4), 10-17 (in Japanese)",
    ),
    "klatt1980": Reference(
        ("Klatt, D. H.",),
        1980,
        "Software for a cascade/parallel formant synthesizer",
        "Journal of the Acoustical Society of America 67(3), 971-995",
        "10.1121/1.383940",
    ),
    "hillenbrand1995": Reference(
        ("Hillenbrand, J.", "Getty, L. A.", "Clark, M. J.", "Wheeler, K."),
        1995,
        "Acoustic characteristics of American English vowels",
        "Journal of the Acoustical Society of America 97(5), 3099-3111",
        "10.1121/1.411872",
    ),
    # -- Statistics
    "spearman1904": Reference(
        ("Spearman, C.",),
        1904,
        "The proof and measurement of association between two things",
        "American Journal of Psychology 15(1), 72-101",
        "10.2307/1412159",
    ),
    "wilson1927": Reference(
        ("Wilson, E. B.",),
        1927,
        "Probable inference, the law of succession, and statistical inference",
        "Journal of the American Statistical Association 22(158), 209-212",
        "10.1080/01621459.1927.10502953",
    ),
    "efron1979": Reference(
        ("Efron, B.",),
        1979,
        "Bootstrap methods: Another look at the jackknife",
        "Annals of Statistics 7(1), 1-26",
        "10.1214/aos/1176344552",
    ),
    "cohen1988": Reference(
        ("Cohen, J.",),
        1988,
        "Statistical Power Analysis for the Behavioral Sciences",
        "2nd edition, Lawrence Erlbaum Associates",
    ),
    "newcombe2006": Reference(
        ("Newcombe, R. G.",),
        2006,
        "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2: asymptotic "
        "methods and evaluation",
        "Statistics in Medicine 25, 559-573",
        "10.1002/sim.2324",
    ),
    "nichols2002": Reference(
        ("Nichols, T. E.", "Holmes, A. P."),
        2002,
        "Nonparametric Permutation Tests for Functional Neuroimaging: A Primer with Examples",
        "Human Brain Mapping 15(1), 1-25",
        "10.1002/hbm.1058",
    ),
    # -- Models
    "hua2021": Reference(
        ("Hua, G.", "Teoh, A. B. J.", "Zhang, H."),
        2021,
        "Towards End-to-End Synthetic Speech Detection",
        "IEEE Signal Processing Letters 28, 1265-1269",
        "10.1109/LSP.2021.3089437",
    ),
    "trigeorgis2016": Reference(
        (
            "Trigeorgis, G.",
            "Ringeval, F.",
            "Brueckner, R.",
            "Marchi, E.",
            "Nicolaou, M. A.",
            "Schuller, B.",
            "Zafeiriou, S.",
        ),
        2016,
        "Adieu features? End-to-end speech emotion recognition using a deep convolutional recurrent network",
        "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP), 5200-5204",
        "10.1109/ICASSP.2016.7472669",
    ),
    "aytar2016": Reference(
        ("Aytar, Y.", "Vondrick, C.", "Torralba, A."),
        2016,
        "SoundNet: Learning Sound Representations from Unlabeled Video",
        "Advances in Neural Information Processing Systems 29, 892-900",
        "10.48550/arXiv.1610.09001",
    ),
    "ravanelli2018": Reference(
        ("Ravanelli, M.", "Bengio, Y."),
        2018,
        "Speaker Recognition from Raw Waveform with SincNet",
        "IEEE Spoken Language Technology Workshop (SLT), 1021-1028",
        "10.1109/SLT.2018.8639585",
    ),
    "zeghidour2021": Reference(
        ("Zeghidour, N.", "Teboul, O.", "de Chaumont Quitry, F.", "Tagliasacchi, M."),
        2021,
        "LEAF: A Learnable Frontend for Audio Classification",
        "International Conference on Learning Representations (ICLR)",
        "10.48550/arXiv.2101.08596",
    ),
    "jung2022": Reference(
        ("Jung, J.", "Heo, H.-S.", "Tak, H.", "Shim, H.", "Chung, J. S.", "Lee, B.-J.", "Yu, H.-J.", "Evans, N."),
        2022,
        "AASIST: Audio Anti-Spoofing Using Integrated Spectro-Temporal Graph Attention Networks",
        "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP), 6367-6371",
        "10.1109/ICASSP43922.2022.9747766",
    ),
    "taal2011": Reference(
        ("Taal, C. H.", "Hendriks, R. C.", "Heusdens, R.", "Jensen, J."),
        2011,
        "An Algorithm for Intelligibility Prediction of Time-Frequency Weighted Noisy Speech",
        "IEEE Transactions on Audio, Speech, and Language Processing 19(7), 2125-2136",
        "10.1109/TASL.2011.2114881",
    ),
    "baevski2020": Reference(
        ("Baevski, A.", "Zhou, H.", "Mohamed, A.", "Auli, M."),
        2020,
        "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations",
        "Advances in Neural Information Processing Systems 33, 12449-12460",
        "10.48550/arXiv.2006.11477",
    ),
    "glorot2010": Reference(
        ("Glorot, X.", "Bengio, Y."),
        2010,
        "Understanding the difficulty of training deep feedforward neural networks",
        "International Conference on Artificial Intelligence and Statistics (AISTATS), 249-256",
        url="https://proceedings.mlr.press/v9/glorot10a.html",
    ),
    "he2015": Reference(
        ("He, K.", "Zhang, X.", "Ren, S.", "Sun, J."),
        2015,
        "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
        "IEEE International Conference on Computer Vision (ICCV), 1026-1034",
        "10.1109/ICCV.2015.123",
    ),
    # -- Training
    "loshchilov2017": Reference(
        ("Loshchilov, I.", "Hutter, F."),
        2017,
        "SGDR: Stochastic Gradient Descent with Warm Restarts",
        "International Conference on Learning Representations (ICLR)",
        "10.48550/arXiv.1608.03983",
    ),
    "zhang2018": Reference(
        ("Zhang, H.", "Cisse, M.", "Dauphin, Y. N.", "Lopez-Paz, D."),
        2018,
        "mixup: Beyond Empirical Risk Minimization",
        "International Conference on Learning Representations (ICLR)",
        "10.48550/arXiv.1710.09412",
    ),
    "park2019": Reference(
        ("Park, D. S.", "Chan, W.", "Zhang, Y.", "Chiu, C.-C.", "Zoph, B.", "Cubuk, E. D.", "Le, Q. V."),
        2019,
        "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition",
        "Interspeech, 2613-2617",
        "10.21437/Interspeech.2019-2680",
    ),
    "chen2020": Reference(
        ("Chen, T.", "Kornblith, S.", "Norouzi, M.", "Hinton, G."),
        2020,
        "A Simple Framework for Contrastive Learning of Visual Representations",
        "International Conference on Machine Learning (ICML), 1597-1607",
        "10.48550/arXiv.2002.05709",
    ),
    "fonseca2021": Reference(
        ("Fonseca, E.", "Ortego, D.", "McGuinness, K.", "O'Connor, N. E.", "Serra, X."),
        2021,
        "Unsupervised Contrastive Learning of Sound Event Representations",
        "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP), 371-375",
    ),
    "viterbi1967": Reference(
        ("Viterbi, A. J.",),
        1967,
        "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm",
        "IEEE Transactions on Information Theory 13(2), 260-269",
        "10.1109/TIT.1967.1054010",
    ),
    "lee1989": Reference(
        ("Lee, K.-F.", "Hon, H.-W."),
        1989,
        "Speaker-independent phone recognition using hidden Markov models",
        "IEEE Transactions on Acoustics, Speech, and Signal Processing 37(11), 1641-1648",
        "10.1109/29.46546",
    ),
    "bourlard1994": Reference(
        ("Bourlard, H. A.", "Morgan, N."),
        1994,
        "Connectionist Speech Recognition: A Hybrid Approach",
        "Kluwer Academic Publishers",
        "10.1007/978-1-4615-3210-1",
    ),
    # -- Data sets
    "garofolo1993": Reference(
        (
            "Garofolo, J. S.",
            "Lamel, L. F.",
            "Fisher, W. M.",
            "Fiscus, J. G.",
            "Pallett, D. S.",
            "Dahlgren, N. L.",
            "Zue, V.",
        ),
        1993,
        "TIMIT Acoustic-Phonetic Continuous Speech Corpus",
        "Linguistic Data Consortium, LDC93S1",
        "10.35111/17gk-bn40",
    ),
    "halberstadt1998": Reference(
        ("Halberstadt, A. K.",),
        1998,
        "Heterogeneous acoustic measurements and multiple classifiers for speech recognition",
        "PhD thesis, Massachusetts Institute of Technology",
    ),
    "busso2008": Reference(
        (
            "Busso, C.",
            "Bulut, M.",
            "Lee, C.-C.",
            "Kazemzadeh, A.",
            "Mower, E.",
            "Kim, S.",
            "Chang, J. N.",
            "Lee, S.",
            "Narayanan, S. S.",
        ),
        2008,
        "IEMOCAP: interactive emotional dyadic motion capture database",
        "Language Resources and Evaluation 42(4), 335-359",
        "10.1007/s10579-008-9076-6",
    ),
    "panayotov2015": Reference(
        ("Panayotov, V.", "Chen, G.", "Povey, D.", "Khudanpur, S."),
        2015,
        "Librispeech: An ASR corpus based on public domain audio books",
        "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP), 5206-5210",
        "10.1109/ICASSP.2015.7178964",
    ),
    "piczak2015": Reference(
        ("Piczak, K. J.",),
        2015,
        "ESC: Dataset for Environmental Sound Classification",
        "ACM International Conference on Multimedia, 1015-1018",
        "10.1145/2733373.2806390",
    ),
    "gemmeke2017": Reference(
        (
            "Gemmeke, J. F.",
            "Ellis, D. P. W.",
            "Freedman, D.",
            "Jansen, A.",
            "Lawrence, W.",
            "Moore, R. C.",
            "Plakal, M.",
            "Ritter, M.",
        ),
        2017,
        "Audio Set: An ontology and human-labeled dataset for audio events",
        "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP), 776-780",
        "10.1109/ICASSP.2017.7952261",
    ),
    "nagrani2017": Reference(
        ("Nagrani, A.", "Chung, J. S.", "Zisserman, A."),
        2017,
        "VoxCeleb: a large-scale speaker identification dataset",
        "Interspeech, 2616-2620",
        "10.21437/Interspeech.2017-950",
    ),
    "warden2018": Reference(
        ("Warden, P.",),
        2018,
        "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
        "arXiv:1804.03209",
        "10.48550/arXiv.1804.03209",
    ),
    "jackson2018": Reference(
        ("Jackson, Z.",),
        2018,
        "Free Spoken Digit Dataset",
        "Recordings of six speakers",
        url="https://github.com/Jakobovski/free-spoken-digit-dataset",
    ),
    "wang2020": Reference(
        ("Wang, X.", "Yamagishi, J.", "Todisco, M.", "Delgado, H.", "Nautsch, A.", "Evans, N.", "others"),
        2020,
        "ASVspoof 2019: A large-scale public database of synthesized, converted and replayed speech",
        "Computer Speech & Language 64, 101114",
        "10.1016/j.csl.2020.101114",
    ),
    "fonseca2022": Reference(
        ("Fonseca, E.", "Favory, X.", "Pons, J.", "Font, F.", "Serra, X."),
        2022,
        "FSD50K: An Open Dataset of Human-Labeled Sound Events",
        "IEEE/ACM Transactions on Audio, Speech, and Language Processing 30, 829-852",
        "10.1109/TASLP.2021.3133208",
    ),
}
"""Every work by its key."""
