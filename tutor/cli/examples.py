"""What `--help` shows of each command below its options: lines to copy (each is run by a test), and what they do.

In another language the lines are the same, and what stands behind them is told in it.
"""

EXAMPLES = """\
examples:
  backprop-tutor                          the home screen: choose a lesson
  backprop-tutor list                     the lessons there are
  backprop-tutor play gates               play the lesson called gates
  backprop-tutor play mine.toml --plain   play a lesson of your own, without a full screen
  backprop-tutor trace o-regression       every step of the first iteration, with its numbers
  backprop-tutor check lessons/           everything wrong with the lesson files in a folder

backprop-tutor COMMAND --help says more about a command.
"""
PLAY_EXAMPLES = """\
examples:
  backprop-tutor play gates               a lesson that comes with the tutor
  backprop-tutor play ./mine.toml         a lesson file of your own
  backprop-tutor play gates --plain       line mode: type help for its commands
  backprop-tutor play mine.toml --watch   while you write it: each save is shown at once, at the same step
  backprop-tutor play gates --plain < /dev/null    the whole lesson to read, without stopping
"""
LIST_EXAMPLES = """\
examples:
  backprop-tutor list
  backprop-tutor list --format json       an array of objects, described in docs/trace-json.md
"""
TRACE_EXAMPLES = """\
examples:
  backprop-tutor trace o-regression       the first iteration, an equation a step
  backprop-tutor trace c-431 --level scalar --notation delta --iteration 3
  backprop-tutor trace p-deep --format markdown > p-deep.md
  backprop-tutor trace p-deep --general --format latex     the formulas for any layer
  backprop-tutor trace softmax --format latex --step dL/dz1 > derivation.tex      for a script or slides
  backprop-tutor trace gates --format json       for programs, described in docs/trace-json.md
"""
COMPARE_EXAMPLES = """\
examples:
  backprop-tutor compare o-regression learning_rate 0.01 0.1
  backprop-tutor compare o-classification activation sigmoid tanh relu --epochs 500
  backprop-tutor compare p-deep "layer 2 activation" relu tanh
"""
SWEEP_EXAMPLES = """\
examples:
  backprop-tutor sweep xor learning_rate 0.01..100          where it is too slow, converges, oscillates, diverges
  backprop-tutor sweep momentum momentum 0..0.99 --runs 200 --scale linear
  backprop-tutor sweep epochs seed 0..19                    does it always learn?
  backprop-tutor sweep xor start 0..19                      the same, with weights that are drawn
  backprop-tutor sweep momentum learning_rate 0.01..10 --and momentum 0..0.99     a map
  backprop-tutor sweep xor initial_scale 0.01..10           what the first weights are multiplied by
"""
TRAIN_EXAMPLES = """\
examples:
  backprop-tutor train o-regression              100 epochs: the losses and the final parameters
  backprop-tutor train c-431 --until-converged   until an epoch changes nothing that counts
  backprop-tutor train gates --iterations 20 --format json    described in docs/train-json.md

Ctrl+C stops and prints what was trained so far.
"""
CHECK_EXAMPLES = """\
examples:
  backprop-tutor check mine.toml          one file
  backprop-tutor check lessons/           every *.toml in a folder and in the folders below it

The exit code is 0 if there are no errors (warnings are allowed), 1 if there are any, 2 if a path is missing.
"""
QUIZ_EXAMPLES = """\
examples:
  backprop-tutor quiz o-regression              ten questions, one try each, then the report
  backprop-tutor quiz gates o-regression --count 6 --seed 7
  backprop-tutor quiz c-431 --as exam1 --attempts 1     the same for everybody, and once
  backprop-tutor quiz c-431 --plain             in lines; answers may come from a pipe, one a line

A quiz that was left goes on with the same command; --new begins another.
"""
PLACEMENT_EXAMPLES = """\
examples:
  backprop-tutor placement
  backprop-tutor placement --plain

Ctrl+E (in line mode: end) ends it where it gets too hard; what is open counts as not known.
"""
DRILL_EXAMPLES = """\
examples:
  backprop-tutor drill o-regression                    the skill of this lesson that needs it most
  backprop-tutor drill o-classification --skill weight_gradient --seed 7
  backprop-tutor drill gates --skills                  which skills there are to drill
"""
REVIEW_EXAMPLES = """\
examples:
  backprop-tutor review
  backprop-tutor review --plain
"""
DOCTOR_EXAMPLES = """\
examples:
  backprop-tutor doctor
  backprop-tutor doctor --seed 7 --patient 3    other networks, from the third on
  backprop-tutor doctor --plain                 in lines: check, sizes, rows, then the number of the illness
"""
MISTAKES_EXAMPLES = """\
examples:
  backprop-tutor mistakes
  backprop-tutor mistakes --plain                      in lines: again 1, new 1 (with new numbers), all
  backprop-tutor mistakes --plain --list
"""
GOAL_EXAMPLES = """\
examples:
  backprop-tutor goal 10 questions
  backprop-tutor goal 1 lesson
  backprop-tutor goal
"""
PAPER_EXAMPLES = """\
examples:
  backprop-tutor paper o-regression
  backprop-tutor paper batch-mean --example 2          one example of the batch alone
  backprop-tutor paper c-431 --plain                   in lines: fill z1 0.38 0.8, check
"""
EXAM_EXAMPLES = """\
examples:
  backprop-tutor exam o-classification --seed 7 --minutes 30
  backprop-tutor exam o-classification                 fresh numbers, or the exam that was left
  backprop-tutor exam o-classification --seed 7 --print > paper.csv
  backprop-tutor exam o-classification --seed 7 --answers paper.csv --format json

With --answers the exit code is 0 if all of it is right, 1 if not, 2 for bad usage, a bad file, or a file with nothing
of the paper in it. The JSON is described in docs/paper.md. The clock runs only while the exam is open.
"""
PROGRESS_EXAMPLES = """\
examples:
  backprop-tutor progress
  backprop-tutor progress --format csv
  backprop-tutor progress --export mine.json           to take it to another machine
  backprop-tutor progress --import mine.json
"""
REPORT_EXAMPLES = """\
examples:
  backprop-tutor report exports/                       report/report.html, and four tables as CSV
  backprop-tutor report ada.json bob.json --no-names -o tuesday

Each learner hands in one file: backprop-tutor progress --export ada.json.
It is for teaching, not for marks: a file can be forged.
"""
CODE_EXAMPLES = """\
examples:
  backprop-tutor code o-classification                     to read, in NumPy
  backprop-tutor code o-classification --to torch -o mine.py
  backprop-tutor code batch-mean --to notebook -o mine.ipynb
"""
QUESTIONS_EXAMPLES = """\
examples:
  backprop-tutor questions o-classification -o bank.xml               Moodle XML, ten questions
  backprop-tutor questions gates forks --format gift --count 6 -o bank.gift
  backprop-tutor questions c-431 --format qti --variants 30 -o c-431.zip      thirty sets of numbers, for Canvas

What a format cannot carry is said, a line for each. docs/handouts.md says what each of them has.
"""
WORKSHEET_EXAMPLES = """\
examples:
  backprop-tutor worksheet o-regression                        one sheet and its key, in the folder worksheet
  backprop-tutor worksheet c-431 --variants 30 -o sheets       thirty sheets, each with numbers of its own
  backprop-tutor worksheet two-paths --whole-pass --names class.txt --format typ -o sheets

The key has for each question the numbers that the named slips give. docs/handouts.md has more.
"""
FIGURE_EXAMPLES = """\
examples:
  backprop-tutor figure o-classification -o network.svg
  backprop-tutor figure o-classification network --step "dL/dW1[1,2]"     what the step uses and makes is lit
  backprop-tutor figure o-classification chain --step "dL/dW1[1,2]" -o chain.svg
  backprop-tutor figure o-classification slope > slope.svg                (also: step, losses, landscape)
  backprop-tutor figure o-classification losses -o losses.png    pip install 'backprop-tutor[png]' first
"""
PAGE_EXAMPLES = """\
examples:
  backprop-tutor page o-classification                         site/o-classification.html: open it in any browser
  backprop-tutor page lessons/ mine.toml -o public             a page for each lesson, and index.html
  backprop-tutor page attention --notation nabla

No server, no network, nothing to install. docs/handouts.md says what a page has.
"""
DIAGNOSE_EXAMPLES = """\
examples:
  backprop-tutor diagnose o-classification mine.npz        np.savez("mine.npz", dW1=dW1, db1=db1, dW2=dW2)
  backprop-tutor diagnose o-classification paper.csv       lines such as dL/dW2,-0.323,-0.252
  backprop-tutor diagnose o-classification grads.json --iteration 3     (or .pt, .safetensors: what a framework saves)
  backprop-tutor diagnose o-classification grads.json --format json

The exit code is 0 if everything is right (or right but for rounding), 1 if an array is not, 2 for bad usage, a bad
file, or a file with nothing of the lesson in it. The JSON is described in docs/diagnose.md.
"""
SERVE_EXAMPLES = """\
examples:
  backprop-tutor serve                            http://127.0.0.1:8000, for this machine
  backprop-tutor serve --lessons lessons/ --host 0.0.0.0 --visitors 30   for a room; prints the address to hand out
  backprop-tutor serve --public-url https://school.example/tutor/         behind a proxy

It needs an extra: pip install 'backprop-tutor[serve]'. docs/serve.md says what visitors need, and shows a proxy.
"""
LAB_EXAMPLES = """\
examples:
  backprop-tutor lab                        the exercises: which are done, which is next
  backprop-tutor lab start neuron           write neuron.py, if it is not there, and watch it: each save is run
  backprop-tutor lab start neuron --dir .   the file in this folder
  backprop-tutor lab check neuron.py        once; for scripts, with --format json (described in docs/lab.md)

Only a file that you name or save is run, in a process of its own. The exit code of check is 0 if all of it is right,
1 if something is not, 2 for bad usage or a file that cannot be read.
"""
GRADE_EXAMPLES = """\
examples:
  backprop-tutor grade o-classification "dL/dW1[1,2]" 0.0933
  backprop-tutor grade o-classification "dL/dW1[1,2]" "dL/dz1[1] * x[2]"
  backprop-tutor grade o-classification dL/dW2 "[[-0.319, -0.262]]"
  backprop-tutor grade o-classification 6 2
  backprop-tutor grade o-classification dL/dW2[1,1] --given "dL/dz2[1]=0.537" -- -0.3189
  backprop-tutor grade o-classification --answers class.csv --format csv      a row each: who, question, answer

The exit code is 0 if the answer is right, 1 if it is not, 2 for bad usage.
"""
GLOSSARY_EXAMPLES = """\
examples:
  backprop-tutor glossary                       the names of all terms
  backprop-tutor glossary chain rule
"""
NEW_EXAMPLES = """\
examples:
  backprop-tutor new first.toml                 then: backprop-tutor play first.toml --watch
  backprop-tutor new layer.toml --arrays        a layer of your own: lines over arrays
  backprop-tutor new mnist.toml --from model.pt  a network of your own; what its file does not say is asked
  backprop-tutor new digits.toml --from model.npz --activation relu,softmax --data rows.csv --held-out 0.2

docs/writing-lessons.md is the way from here to a lesson with questions.
"""
SCHEMA_EXAMPLES = """\
examples:
  backprop-tutor schema > lesson.schema.json    and in a lesson's first line: #:schema ./lesson.schema.json
"""
MISCONCEPTIONS_EXAMPLES = """\
examples:
  backprop-tutor misconceptions
  backprop-tutor misconceptions --format json
"""
