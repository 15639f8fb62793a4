"""The twins, the conventions, the benchmark."""

TWINS = {
    "The twins": "쌍둥이",
    "Of {count} twins {equal} are equal bit for bit in float64; the others come at most {most} "
    "units in the last place apart.": (
        "float64에서 쌍 {count}개 가운데 {equal}개는 비트까지 같고, 나머지는 마지막 자리 "
        "단위(ULP)로 최대 {most}만큼 차이 난다."
    ),
    "NumPy rounds after every operation, torch's kernels multiply and add in one where the "
    "processor can, and round once. A dash: the rule is not followed to rounding, see its note.": (
        "NumPy는 연산마다 반올림하고, torch의 커널은 프로세서가 할 수 있으면 곱셈과 덧셈을 묶어 한 "
        "번만 반올림한다. 줄표는 반올림 수준으로 따라가지 않는 규칙이다(비고 참고)."
    ),
    "optimizers": "최적화 기법",
    "schedules": "학습률 스케줄",
    "initializers": "가중치 초깃값",
    "layers": "계층",
    "Largest distance, in units in the last place (ULP) and relative": (
        "가장 큰 거리, 마지막 자리 단위(ULP)와 상대값"
    ),
    "relative": "상대값",
    "note": "비고",
    "How the distance grows": "거리가 늘어나는 모습",
    "equal while lr stays": "lr이 그대로인 동안 같다",
    "eps {}, torch {}": "eps {}, torch는 {}",
    "torch keeps Π in float32": "torch는 Π를 float32로 보관한다",
    "torch keeps η and μ in float32": "torch는 η와 μ를 float32로 보관한다",
    "ε beside √v, not √v̂": "ε을 √v̂이 아니라 √v에 더한다",
    "ε̂ beside √v, not √v̂": "ε̂을 √v̂이 아니라 √v에 더한다",
    "gradients of a few rows": "몇몇 행의 기울기만 받는다",
    "matrices only; steps in bfloat16": "행렬만 받는다; bfloat16으로 계산한다",
    "takes a closure": "클로저를 받는다",
    "factor > {}, torch ≥ {}": "factor > {}, torch는 ≥ {}",
    "moves the momentum, too": "모멘텀도 바꾼다",
    "a SequentialLR or ChainedScheduler can only be its first, as in torch": (
        "torch처럼 SequentialLR이나 ChainedScheduler는 첫 번째로만 올 수 있다"
    ),
    "a and b are bounds of the weights, not in units of std": (
        "a와 b는 표준편차 단위가 아니라 가중치의 경계다"
    ),
    "torch ignores its generator for the places of the zeros": (
        "torch는 0의 자리를 정할 때 generator를 무시한다"
    ),
    "LeCun's √({}/n)": "LeCun의 √({}/n)",
    "W is (in, out)": "W는 (입력, 출력)",
}

CONVENTIONS = {
    "Where the chapter and PyTorch differ": "책과 PyTorch가 다른 곳",
    "How far apart both come by a convention, and what is left when it is aligned (relative, "
    "float64)": "관례 하나로 둘이 얼마나 벌어지고, 맞추면 얼마나 남는가 (상대값, float64)",
    "convention": "관례",
    "chapter": "책",
    "apart": "벌어진 거리",
    "aligned": "맞춘 뒤",
    "what is compared": "비교한 것",
    "Adam": "Adam",
    "weight decay": "가중치 감소",
    "weights": "가중치",
    "BatchNorm momentum": "배치 정규화의 momentum",
    "BatchNorm running variance": "배치 정규화의 이동 분산",
    "BatchNorm eps, first running variance": "배치 정규화의 eps와 첫 이동 분산",
    "`b = μb + g; w −= lr·b` (`SGD`): equal until lr changes": (
        "`b = μb + g; w −= lr·b` (`SGD`): lr이 바뀌기 전까지 같다"
    ),
    "widely copied code updates v first and then uses it as if it were old: another method": (
        "널리 복사된 코드는 v를 먼저 갱신하고 옛 값처럼 쓴다: 다른 기법이다"
    ),
    "looks ahead (`SGD(nesterov=True)`; our `Nesterov` is this one)": (
        "앞을 내다본다 (`SGD(nesterov=True)`; 우리 `Nesterov`가 이것이다)"
    ),
    "`lr·√(1−β₂ᵗ)/(1−β₁ᵗ)`, `/(√v + 1e-7)`: the paper's ε̂ (`chapter.Adam`)": (
        "`lr·√(1−β₂ᵗ)/(1−β₁ᵗ)`, `/(√v + 1e-7)`: 논문의 ε̂ (`chapter.Adam`)"
    ),
    "½λΣW² in the loss: on the gradients of W alone (`MultiLayerNet(weight_decay=…)`)": (
        "손실에 ½λΣW²: W의 기울기에만 더해진다 (`MultiLayerNet(weight_decay=…)`)"
    ),
    "on every parameter it is given (`optim.…(weight_decay=…)`)": (
        "주어진 모든 매개변수에 (`optim.…(weight_decay=…)`)"
    ),
    "N(0, 2/(n_in + n_out)) (`init.xavier_normal`); the chapter's is LeCun's, "
    '`kaiming_normal_(nonlinearity="linear")`': (
        "N(0, 2/(n_in + n_out)) (`init.xavier_normal`); 책의 것은 LeCun의 초깃값, "
        '`kaiming_normal_(nonlinearity="linear")`'
    ),
    "the part that is kept, 0.9 (`BatchNormalization`)": "남기는 비율, 0.9 (`BatchNormalization`)",
    "the part that is new, 0.1 (`BatchNorm1d`)": "새로 더하는 비율, 0.1 (`BatchNorm1d`)",
    "of the biased variances": "편향 분산의 이동 평균",
    "of the unbiased ones, n/(n−1); normalized by the biased": (
        "불편 분산의 이동 평균, n/(n−1); 정규화는 편향 분산으로"
    ),
    "1e-6, zeros": "1e-6, 0에서 시작",
    "1e-5, ones": "1e-5, 1에서 시작",
    "`Linear.weight` is (out, in)": "`Linear.weight`는 (출력, 입력)",
    "the parameters after 40 steps, lr a tenth from the 21st on; aligned: lr stays": (
        "40스텝 뒤의 매개변수, 21스텝부터 lr을 10분의 1로; 맞춤: lr 그대로"
    ),
    "the parameters after 40 steps; aligned: our Nesterov": (
        "40스텝 뒤의 매개변수; 맞춤: 우리 Nesterov"
    ),
    "the parameters after 40 steps along gradients of 1e-7; aligned: eps=1e-7": (
        "크기 1e-7인 기울기로 40스텝 뒤의 매개변수; 맞춤: eps=1e-7"
    ),
    "the parameters after 40 steps along gradients of 1e-6, eps=1e-7 on both sides; aligned: ε̂ "
    "beside √v in torch, too": (
        "크기 1e-6인 기울기, 양쪽 eps=1e-7로 40스텝 뒤의 매개변수; 맞춤: torch도 √v에 ε̂"
    ),
    "a network's parameters after 40 steps; aligned: torch's decay for W alone": (
        "40스텝 뒤 신경망의 매개변수; 맞춤: torch도 W에만 감소"
    ),
    "weights of 200 inputs and 50 outputs from one seed; aligned: LeCun's": (
        "한 시드로 뽑은 입력 200, 출력 50의 가중치; 맞춤: LeCun의 초깃값"
    ),
    "the running mean after ten batches, momentum=0.9 on both sides; aligned: torch's 0.1": (
        "배치 10개 뒤의 이동 평균, 양쪽 momentum=0.9; 맞춤: torch는 0.1"
    ),
    "the running variance after ten batches of ten rows; aligned: times 10/9": (
        "10개짜리 배치 10개 뒤의 이동 분산; 맞춤: 10/9를 곱함"
    ),
    "the output in evaluation before any training; aligned: torch's layer is given both": (
        "학습 전 추론 때의 출력; 맞춤: torch의 계층에 둘 다 준다"
    ),
    "a layer's output, W put into Linear as it is; aligned: transposed": (
        "W를 그대로 Linear에 넣었을 때 계층의 출력; 맞춤: 전치"
    ),
}

SPEED = {
    "Ratios of times, ours ÷ the other's, timed in turns in one process: left of 1 is faster. The "
    "bar goes from the lower to the upper quartile, the upright stroke is the goal where there is "
    "one.": (
        "우리 시간 ÷ 상대 시간의 비율, 한 프로세스에서 번갈아 쟀다: 1보다 왼쪽이면 더 빠르다. "
        "막대는 아래 사분위수에서 위 사분위수까지, 세로획은 목표다."
    ),
    "A quick benchmark: few repetitions.": "간이 벤치마크: 반복 횟수가 적다.",
    "{reached} of {count} goals are reached.": "목표 {count}개 가운데 {reached}개를 달성했다.",
    "The training loops, batches drawn and all": "배치 추출까지 포함한 학습 루프",
    "A million random numbers": "난수 백만 개",
    "Initial weights, float32": "가중치 초깃값, float32",
    "The rate of matrix products, float32": "행렬 곱의 속도, float32",
    "A run of the scratch backend: time and peak memory": (
        "scratch 백엔드의 실행: 시간과 최대 메모리"
    ),
    "Checkpoints": "체크포인트",
    "An optimizer's step, float32": "최적화 기법의 한 스텝, float32",
    "Where the time of a scratch step goes, batch {}, Adam": (
        "scratch 한 스텝의 시간이 쓰이는 곳, 배치 {}, Adam"
    ),
    "K runs as one stack against one after another, a training step": (
        "K개를 한꺼번에 쌓아 학습하기와 차례로 학습하기, 학습 한 스텝"
    ),
    "Starting, from the start of Python": "파이썬 시작부터 준비까지",
    "A training step, {}-{}-{}-{}-{}-{}, batch {}, float32, Adam": (
        "학습 한 스텝, {}-{}-{}-{}-{}-{}, 배치 {}, float32, Adam"
    ),
    "scratch: a training step": "scratch: 학습 한 스텝",
    "scratch: its products alone": "scratch: 그 행렬 곱만",
    "scratch: a large one": "scratch: 큰 행렬 곱",
    "torch: a training step": "torch: 학습 한 스텝",
    "torch: its products alone": "torch: 그 행렬 곱만",
    "torch: a large one": "torch: 큰 행렬 곱",
    "scratch: a training step, {} threads": "scratch: 학습 한 스텝, 스레드 {}개",
    "scratch: its products alone, {} threads": "scratch: 그 행렬 곱만, 스레드 {}개",
    "scratch: a large one, {} threads": "scratch: 큰 행렬 곱, 스레드 {}개",
    "torch: a training step, {} threads": "torch: 학습 한 스텝, 스레드 {}개",
    "torch: its products alone, {} threads": "torch: 그 행렬 곱만, 스레드 {}개",
    "torch: a large one, {} threads": "torch: 큰 행렬 곱, 스레드 {}개",
    "rate": "속도",
    "of its products alone": "그 행렬 곱만 할 때 대비",
    "of a large one": "큰 행렬 곱 대비",
    "peak": "최대",
    "takes": "걸린 시간",
    "of a run, one every {} s": "실행 시간 대비, {}초마다 하나",
    "scratch, products alone": "scratch, 행렬 곱만",
    "torch_ref, CUDA graph": "torch_ref, CUDA 그래프",
    "drawing and gathering the batch": "배치 추출과 모으기",
    "forward products": "순전파 행렬 곱",
    "backward products": "역전파 행렬 곱",
    "activations": "활성화 함수",
    "loss": "손실",
    "the rest": "나머지",
    "seconds": "초",
    "one after another": "차례로 하나씩",
    "torch's default": "torch 기본값",
    "scratch, {} steps": "scratch, {}스텝",
    "torch_ref, {} steps": "torch_ref, {}스텝",
    "DataLoader, torch eager": "DataLoader, torch 즉시 실행",
    "torch eager": "torch 즉시 실행",
    "Momentum, {}": "모멘텀, {}",
    "SGD, {} tensors": "SGD, 텐서 {}개",
    "Momentum, {} tensors": "모멘텀, 텐서 {}개",
    "AdaGrad, {} tensors": "AdaGrad, 텐서 {}개",
    "RMSProp, {} tensors": "RMSProp, 텐서 {}개",
    "Adam, {} tensors": "Adam, 텐서 {}개",
}

PARITY: dict[str, str] = {**TWINS, **CONVENTIONS, **SPEED}
