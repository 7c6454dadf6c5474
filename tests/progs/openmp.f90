! openmp.f90 - Fortran with OpenMP: a parallel sum is the same when the
! program was moved in the middle of it; static ones have all of libc's threads
program openmp
  implicit none
  integer :: i, step
  real(8) :: a(10000), total
  character(len=4096) :: ready, go
  logical :: there

  a = [(real(i, 8), i = 1, size(a))]
  total = 0
  call get_environment_variable('PROG_READY', ready)
  call get_environment_variable('PROG_GO', go)
  do step = 1, 2000
    !$omp parallel do reduction(+:total)
    do i = 1, size(a)
      a(i) = a(i) * 1.0000001_8
      if (mod(i, 100) == 0) total = total + 1
    end do
    if (step == 10 .and. ready /= '') then
      open(10, file=ready, status='replace')
      close(10)
    end if
  end do
  there = go == ''
  do while (.not. there)
    inquire(file=go, exist=there)
  end do
  if (abs(total - 200000) < 0.5 .and. abs(a(1) - 1.0000001_8**2000) < 1d-6) then
    print '(a)', 'OK'
  else
    print *, 'not so', total, a(1)
    stop 1
  end if
end program
