! heat.f90 - the heat equation on a square plate, Fortran with OpenMP
!
! Reads a namelist, and writes in Fortran's three ways:
!
!   heat.log       formatted, sequential, a line per report
!   frames.bin     unformatted, sequential, the middle row per report
!   probes.bin     unformatted, direct access: a fixed set of records,
!                  rewritten in place at every report
!   plate.txt      formatted, the plate at the end, every 16th point
!
! Reductions are maxima, which do not depend on the order of the threads, so
! the output is the same byte for byte with any number of them.  Nothing here
! knows of checkpoints.
program heat
  use, intrinsic :: iso_fortran_env, only: real64, error_unit
  implicit none
  integer, parameter :: wp = real64
  integer :: n = 512, reports = 40, steps = 50
  real(wp) :: alpha = 0.2_wp
  namelist /plate/ n, reports, steps, alpha
  real(wp), allocatable :: now(:, :), next(:, :)
  character(len=256) :: input
  integer :: report, step, stat

  call get_command_argument(1, input, status=stat)
  if (stat /= 0) call fail('usage: heat INPUT')
  open (10, file=trim(input), action='read', status='old', iostat=stat)
  if (stat /= 0) call fail('heat: cannot open '//trim(input))
  read (10, nml=plate, iostat=stat)
  if (stat /= 0) call fail('heat: not an input file: '//trim(input))
  close (10)

  allocate (now(0:n + 1, 0:n + 1), next(0:n + 1, 0:n + 1))
  call heat_the_edges()
  open (11, file='heat.log', form='formatted', status='replace')
  open (12, file='frames.bin', form='unformatted', status='replace')
  open (13, file='probes.bin', form='unformatted', access='direct', &
        recl=storage_size(now)/8*4, status='replace')
  write (11, '(a, i0, a, i0)') 'plate ', n, ' x ', n

  do report = 1, reports
    do step = 1, steps
      call diffuse()
    end do
    call write_report()
  end do

  call write_plate()
  write (11, '(a)') 'end'
  close (11)
  close (12)
  close (13)
  print '(a, f18.12)', 'heat: warmest inside ', maxval(now(1:n, 1:n))

contains

  subroutine fail(message)
    character(len=*), intent(in) :: message
    write (error_unit, '(a)') message
    stop 2
  end subroutine fail

  subroutine heat_the_edges()
    integer :: i
    now = 0
    do i = 0, n + 1
      now(i, 0) = 100*sin(3.14159265358979_wp*i/(n + 1))
      now(0, i) = 50*real(i, wp)/(n + 1)
    end do
    next = now
  end subroutine heat_the_edges

  subroutine diffuse()
    integer :: i, j
    !$omp parallel do private(i) schedule(static)
    do j = 1, n
      do i = 1, n
        next(i, j) = now(i, j) + alpha*(now(i - 1, j) + now(i + 1, j) &
                     + now(i, j - 1) + now(i, j + 1) - 4*now(i, j))
      end do
    end do
    !$omp end parallel do
    !$omp parallel do schedule(static)
    do j = 1, n
      now(1:n, j) = next(1:n, j)
    end do
    !$omp end parallel do
  end subroutine diffuse

  subroutine write_report()
    real(wp) :: hottest, warmest
    integer :: j, probe
    hottest = 0
    warmest = 0
    !$omp parallel do reduction(max: hottest, warmest)
    do j = 1, n
      hottest = max(hottest, maxval(now(1:n, j)))
      warmest = max(warmest, now(n/2, j))
    end do
    !$omp end parallel do
    write (11, '(i6, 2f20.12)') report*steps, hottest, warmest
    flush (11)
    write (12) report, now(:, n/2)
    do probe = 1, 8
      write (13, rec=probe) real(report, wp), now(probe*n/9, probe*n/9), &
        now(n/2, probe*n/9), now(probe*n/9, n/2)
    end do
  end subroutine write_report

  subroutine write_plate()
    integer :: j
    open (14, file='plate.txt', form='formatted', status='replace')
    do j = 1, n, 16
      write (14, '(*(f10.5))') now(1:n:16, j)
    end do
    close (14)
  end subroutine write_plate
end program heat
